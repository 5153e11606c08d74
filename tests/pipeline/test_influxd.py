"""The fixture itself: what it stores is counted, also after a kill."""


def test_values_are_counted_and_survive_a_kill(influxdb_factory):
    server = influxdb_factory()
    server.write('m,i=a v=1,t="x" 1\nm,i=a v=2 2\nm,i=b v=3 1700000000000000000')
    assert server.count("raw", "m") == 4
    assert server.count("raw", "m", "v") == 3
    server.kill()
    server.start()
    assert server.count("raw", "m", "v") == 3
    assert server.write_token_file.stat().st_mode & 0o777 == 0o600
