"""What a battery does when current flows: an equivalent circuit, its file, its fit."""
