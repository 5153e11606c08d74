"""soclab on the server: estimation, Flux task installation and the soclab command."""
