"""The simulated device answers as the firmware's library was measured to."""

import re

import pytest
from soclab_simulators.source import Snapshot
from soclab_simulators.thingset.device import ThingSetDevice

NOW = Snapshot(3605.0, 14.1, 2.35, 21.5, 18.04, 1.87, 0.0, stage=1)

MEASURED_A = [
    ("?/", ':85 Content. ["info","conf","output","rec","exec","auth","pub"]'),
    ("?output/", r':85 Content. ["Uptime_s","Bat_V",...]'),
    ("?output", r':85 Content. {"Uptime_s":0,"Bat_V":14.10,...}'),
    ("?output/Bat_V", ":85 Content. 14.10"),
    ('?output ["Bat_V","Bat_A"]', ":85 Content. [14.10,2.35]"),
    ("?pub/serial/IDs", r':85 Content. ["Uptime_s","Bat_V",...]'),
    ('=pub/serial {"Enable":true}', ":84 Changed."),
    ('=pub/serial {"Enable":1}', ":84 Changed."),
    ('=pub/serial {"Enable":maybe}', ":A0 Bad Request."),
    ('=pub/serial {"Period":1}', ":A4 Not Found."),
    ('+pub/serial/IDs "Bat_V"', ":81 Created."),
    ('-pub/serial/IDs "Load_A"', ":82 Deleted."),
    ('=output {"Bat_V":15.2}', ":A3 Forbidden."),
    ('=rec {"DeepDisCount":0}', ":A1 Unauthorized."),
    ("!exec/reset", ":83 Valid."),
    ('!auth "anything"', ":83 Valid."),
    ("!auth", ":A0 Bad Request."),
    ("?nope", ":A4 Not Found."),
    ("?", None),
    ("?output [", ":A0 Bad Request."),
    ("xyz", ""),
    ('=conf {"Topping_V":"x"}', ":84 Changed."),
]

OTHERS = [
    ("B", "?meas/Bat_V", ":85 Content. 14.10"),
    ("B", '?state ["ChgState"]', ":85 Content. [1]"),
    ("B", '=.pub/serial {"Enable":true}', ":84 Changed."),
    ("B", '=pub/serial {"Enable":true}', ":A4 Not Found."),
    ("C", '?Battery ["rVoltage_V"]', ":85 Content. [14.10]"),
    ("C", '=_Pub/mSerial {"wEnable":false}', ":84 Changed."),
    ("C", '=Battery {"rVoltage_V":1}', ":A3 Forbidden."),
    ("C", "!Device/xReset", ":83 Valid."),
    ("D", "? null", ':85 ["Device","Battery",...]'),
    ("D", "?Solar null", ':85 ["rVoltage_V","rCurrent_A","rPower_W","pInputToday_Wh"]'),
    ("D", "?Solar/rCurrent_A", ":85 -1.87"),
    (
        "D",
        "?_Reporting",
        ':85 {"mLive":{"sEnable":true,"sPeriod_ms":1000},"mSummary":{"sEnable":false,...}',
    ),
    ("D", '=_Reporting/mLive {"sPeriod_ms":500}', ":84"),
    ("D", "!Device/xReset", ":84"),
    ("D", "?nope", ":A4"),
    ("D", "@Load {}", None),
]


@pytest.fixture
def device():
    def make(generation, **options):
        device = ThingSetDevice(generation, **options)
        device.measure(NOW)
        return device

    return make


@pytest.mark.parametrize(
    ("generation", "request_", "answer"), [("A", *row) for row in MEASURED_A] + OTHERS
)
def test_answers(device, generation, request_, answer):
    found = device(generation).process(request_)
    if answer is None:
        assert found is None
    else:
        assert re.fullmatch(re.escape(answer).replace(r"\.\.\.", ".*"), found), found


def test_a_wrong_setting_becomes_zero(device):
    a = device("A")
    a.process('=conf {"Topping_V":"x"}')
    assert a.process("?conf/Topping_V") == ":85 Content. 0.00"


def test_default_publication_of_generation_a(device):
    assert device("A").publication(NOW) == (
        b'# {"Uptime_s":0,"Bat_V":14.10,"Bat_A":2.35,"SOC_pct":100,"ChgState":1,"DCDCState":1,'
        b'"Solar_V":18.04,"Solar_A":-1.87,"Load_A":0.00,"LoadInfo":1,"UsbInfo":1,"ErrorFlags":0,'
        b'"DeepDisCount":0,"BatUsable_Ah":12.0,"SolarInDay_Wh":0.00,"LoadOutDay_Wh":0.00,'
        b'"BatChgDay_Wh":0.00,"BatDisDay_Wh":0.00,"Dis_Ah":0}\n'
    )


def test_published_values_can_be_added_and_removed(device):
    a = device("A")
    a.process('+pub/serial/IDs "Bat_degC"')
    a.process('-pub/serial/IDs "Uptime_s"')
    line = a.publication(NOW)
    assert line.startswith(b'# {"Bat_V"')
    assert line.endswith(b',"Bat_degC":21.5}\n')


def test_not_a_number_as_each_generation_prints_it(device):
    cold = NOW._replace(temperature_c=float("nan"))
    assert b'"Bat_degC":nan' in device("B", extra=("Bat_degC",)).publication(cold)
    assert b'"rTemperature_degC":null' in device("C", extra=("Bat_degC",)).publication(cold)


def test_a_checksum_where_wanted(device):
    line = device("D", crc=True).publication(NOW)
    assert re.fullmatch(rb"#mLive \{.*\}\} [0-9A-F]{8}#\r\n", line)


def test_energy_is_counted_over_the_time_of_the_source(device):
    a = device("A")
    a.measure(NOW._replace(time_s=3605.0 + 1800))
    assert a.process("?rec/BatChgDay_Wh") == f":85 Content. {14.1 * 2.35 / 2:.2f}"
