// State of charge by Coulomb counting, for every battery, from its own last stored state.
// What is computed, in words and equations: docs/soc-by-coulomb-counting.md
import "array"
import "date"
import "strings"
import "influxdata/influxdb"

// soclab:parameters begin
option task = {name: "soc_coulomb", every: 10s, offset: 5s}

raw = "raw"
derived = "derived"
cell = 10s
settle = 30s
late = 1h
chunk = 1d
turns = [0, 1, 2]

// Only a literal is computed for many rows at once.
intoCell = (tables=<-) =>
    tables |> map(fn: (r) => ({r with since: float(v: r._time) % 10000000000.0}))
batteries = [
    {
        battery: "example",
        site: "lab",
        instrument: "shunt",
        capacity_ah: 100.0,
        efficiency: 0.98,
        initial_soc_pct: 50.0,
        initial_sigma_pct: 20.0,
        offset_sigma_a: 0.05,
        gain_sigma: 0.01,
        gap_sigma_a: 5.0,
        max_gap_s: 60.0,
        anchor_sigma_pct: 1.0,
        full_voltage_v: 14.2,
        full_current_a: 2.0,
        full_charger_state: -1.0,
        full_hold_s: 1800.0,
        empty_voltage_v: 10.8,
        empty_floor_v: 5.4,
        empty_current_a: 10.0,
        empty_hold_s: 60.0,
        cell_s: 10.0,
    },
]

// soclab:parameters end
// A cell is [T - cell, T) and its row is stamped T. Cells after `settled` are computed anew by
// every run, because data in flight belongs there; cells back to `watched` only if data came late.
end = date.truncate(t: now(), unit: cell)
settled = date.sub(d: settle, from: end)
watched = date.sub(d: late, from: settled)
always = 1970-01-01T00:00:00Z
justAfter = (t) => date.add(d: 1ns, to: t)

names = array.map(arr: batteries, fn: (x) => x.battery)

// ---- what is stored ---------------------------------------------------------------------------
rows = (start, stop) =>
    from(bucket: derived)
        |> range(start: start, stop: stop)
        |> filter(fn: (r) => r._measurement == "soc" and r.method == "coulomb")
counters = (start, stop) =>
    rows(start: start, stop: stop) |> filter(fn: (r) => r._field == "samples")
recorded = (start, stop, measurement, field) =>
    from(bucket: raw)
        |> range(start: start, stop: stop)
        |> filter(fn: (r) => r._measurement == measurement and r._field == field)
currents = (start, stop) =>
    recorded(start: start, stop: stop, measurement: "battery", field: "current_a")
voltages = (start, stop) =>
    recorded(start: start, stop: stop, measurement: "battery", field: "voltage_v")
chargers = (start, stop) =>
    recorded(start: start, stop: stop, measurement: "charger", field: "state")

// Streams below hold single values, each of a kind. One blank row of every kind gives the columns
// their types where there is no data yet; its battery is none and is dropped in the end.
ofKind = (tables=<-, kind) =>
    tables
        |> toFloat()
        |> keep(columns: ["battery", "instrument", "_time", "_value"])
        |> group(columns: ["battery", "instrument"])
        |> set(key: "kind", value: kind)
blanks = (kinds) =>
    array.from(
        rows:
            array.map(
                arr: kinds,
                fn: (x) =>
                    ({
                        battery: "-",
                        instrument: "-",
                        _time: always,
                        _value: 0.0,
                        kind: x,
                    }),
            ),
    )

// Rows of a battery, not of an instrument: "-" sorts before any name. (Where an empty text stands
// in a column, Flux 0.196 loses it and moves up the rows below.)
ofNone = (tables=<-) => tables |> set(key: "instrument", value: "-")
byInstrument = (tables=<-) =>
    tables
        |> group()
        |> pivot(rowKey: ["battery", "instrument"], columnKey: ["kind"], valueColumn: "_value")
inTime = (tables=<-) =>
    tables
        |> group()
        |> pivot(
            rowKey: ["battery", "instrument", "_time"],
            columnKey: ["kind"],
            valueColumn: "_value",
        )
carry = (tables=<-, column) => tables |> fill(column: column, usePrevious: true)
namesIn = (tables=<-) => tables |> group() |> findColumn(fn: (key) => true, column: "battery")
timeAsValue = (tables=<-) => tables |> map(fn: (r) => ({r with _value: float(v: int(v: r._time))}))

// Looking a battery up for every row would build the whole dictionary for every row. Instead, rows
// are sorted, the first of each battery says what is configured, and the rest inherit it.
configured =
    array.from(rows: batteries)
        |> duplicate(column: "battery", as: "owner")
        |> rename(columns: {instrument: "wanted"})
        |> set(key: "instrument", value: "!")
wanted = configured |> keep(columns: ["battery", "owner", "wanted", "instrument"])
inherit = (tables=<-, heads) =>
    union(tables: [heads, tables])
        |> sort(columns: ["battery", "instrument"])
        |> carry(column: "owner")
        |> carry(column: "wanted")
        |> carry(column: "stored")

// ---- which batteries are in step, and which wait for a turn -----------------------------------
// In step: the stored row has counted as many samples as are recorded now, up to `settled`.
recent = counters(start: watched, stop: justAfter(t: settled)) |> last()
older = (start) => counters(start: start, stop: justAfter(t: watched)) |> last()
lastDay = date.sub(d: 1d, from: watched)
lacks =
    union(
        tables: [
            blanks(kinds: ["configured", "stored", "base"]),
            array.from(rows: array.map(arr: names, fn: (x) => ({battery: x, _value: 1.0})))
                |> set(key: "kind", value: "configured")
                |> keep(columns: ["battery", "kind", "_value"]),
            recent |> ofKind(kind: "stored"),
            older(start: lastDay) |> ofKind(kind: "base"),
        ],
    )
        |> group()
        |> pivot(rowKey: ["battery"], columnKey: ["kind"], valueColumn: "_value")
        |> filter(fn: (r) => exists r.configured)
        |> map(
            fn: (r) =>
                ({
                    what:
                        if not exists r.stored then
                            "row"
                        else if not exists r.base then
                            "base"
                        else
                            "nothing",
                }),
        )
        |> findColumn(fn: (key) => true, column: "what")
someUnseen = contains(value: "row", set: lacks)
disturbed =
    union(
        tables: [
            blanks(kinds: ["stored", "base", "counted"]),
            recent |> ofNone() |> ofKind(kind: "stored"),
            older(start: if contains(value: "base", set: lacks) then always else lastDay)
                |> ofNone()
                |> ofKind(kind: "base"),
            currents(start: watched, stop: settled) |> count() |> ofKind(kind: "counted"),
        ],
    )
        |> byInstrument()
        |> inherit(heads: wanted |> map(fn: (r) => ({r with stored: -1.0, base: 0.0})))
        |> carry(column: "base")
        |> filter(
            fn: (r) =>
                exists r.counted and r.owner == r.battery and r.wanted == r.instrument and r.stored
                    >=
                    0.0 and r.counted > r.stored - r.base,
        )
        |> namesIn()

// A battery without a row in the watched time waits if anything was recorded after its last row.
watchedSince = float(v: int(v: watched))
resumed =
    if someUnseen then
        union(
            tables: [
                blanks(kinds: ["stored", "recorded"]),
                counters(start: always, stop: justAfter(t: settled))
                    |> last()
                    |> timeAsValue()
                    |> ofNone()
                    |> ofKind(kind: "stored"),
                currents(start: always, stop: settled)
                    |> last()
                    |> timeAsValue()
                    |> ofKind(kind: "recorded"),
            ],
        )
            |> byInstrument()
            |> inherit(heads: wanted |> map(fn: (r) => ({r with stored: 0.0})))
            |> filter(
                fn: (r) =>
                    exists r.recorded and r.owner == r.battery and r.wanted == r.instrument
                        and
                        r.stored < watchedSince and r.recorded >= r.stored,
            )
            |> namesIn()
    else
        []
waiting = array.concat(arr: disturbed, v: resumed)

// ---- the cells of a stream of samples ---------------------------------------------------------
// Only what the storage engine and vectorised functions do fast, and only time between samples of
// the same cell: the time between the last sample of a cell and the first of the next is added by
// the balance below, which knows whether it is a gap.
each = (tables=<-, fn, kind) =>
    tables |> aggregateWindow(every: cell, fn: fn, createEmpty: false) |> ofKind(kind: kind)
summed = (tables=<-, column) =>
    tables
        |> drop(columns: ["_value"])
        |> duplicate(column: column, as: "_value")
        |> aggregateWindow(every: cell, fn: sum, createEmpty: false)
        |> ofKind(kind: column)
cells = (current, voltage) => {
    steps =
        current()
            |> keep(
                columns: [
                    "battery",
                    "instrument",
                    "_start",
                    "_stop",
                    "_time",
                    "_value",
                ],
            )
            |> intoCell()
            |> map(
                fn: (r) =>
                    ({r with step: float(v: r._time),
                        into: if r._value > 0.0 then r._value else 0.0,
                        out: if r._value < 0.0 then -r._value else 0.0,
                    }),
            )
            |> duplicate(column: "into", as: "more")
            |> duplicate(column: "out", as: "less")
            |> difference(columns: ["step", "more", "less"], keepFirst: true)
            |> fill(column: "step", value: 10000000000000000000.0)
            |> fill(column: "more", value: 0.0)
            |> fill(column: "less", value: 0.0)
            |> map(
                fn: (r) =>
                    ({r with first: if r.step <= r.since then 0.0 else r.since,
                        inside: if r.step <= r.since then r.step else 0.0,
                    }),
            )
            |> map(
                fn: (r) =>
                    ({r with // trapezoids: the value before is this one less its change
                        charged: (r.into - r.more / 2.0) * r.inside,
                        discharged: (r.out - r.less / 2.0) * r.inside,
                    }),
            )
            // Nothing is out of order: this hands on pieces of a thousand rows instead of
            // one, and the window sums below take the square of that number.
            |> sort(columns: ["_time"])

    return
        union(
            tables: [
                current() |> each(fn: count, kind: "count"),
                current() |> each(fn: first, kind: "current_first"),
                current() |> each(fn: last, kind: "current_last"),
                current() |> each(fn: min, kind: "current_min"),
                current() |> each(fn: max, kind: "current_max"),
                voltage() |> each(fn: min, kind: "voltage_min"),
                voltage() |> each(fn: max, kind: "voltage_max"),
                steps |> summed(column: "first"),
                steps |> summed(column: "inside"),
                steps |> summed(column: "charged"),
                steps |> summed(column: "discharged"),
            ],
        )
}
chargerCells = (state) =>
    union(
        tables: [
            state() |> each(fn: min, kind: "charger_min"),
            state() |> each(fn: max, kind: "charger_max"),
        ],
    )
        |> drop(columns: ["instrument"])
        |> ofNone()
stateRow = (tables=<-) =>
    tables
        |> last()
        |> rename(columns: {_field: "kind"})
        |> keep(columns: ["battery", "_time", "_value", "kind"])
        |> ofNone()

// ---- all that are in step, at once ------------------------------------------------------------
// Streams that are shared are read once and worked on in memory. Reading them anew for every kind
// of value, as those that wait do, is faster for a day but not for a minute.
currentNow = currents(start: settled, stop: end)
voltageNow = voltages(start: settled, stop: end)
someOnCharger =
    length(arr: array.filter(arr: batteries, fn: (x) => x.full_charger_state >= 0.0)) > 0
together =
    union(
        tables: [
            blanks(
                kinds: [
                    "count",
                    "current_first",
                    "current_last",
                    "current_min",
                    "current_max",
                    "voltage_min",
                    "voltage_max",
                    "charger_min",
                    "charger_max",
                    "first",
                    "inside",
                    "charged",
                    "discharged",
                    "null",
                ],
            ),
            cells(current: () => currentNow, voltage: () => voltageNow),
            rows(start: if someUnseen then always else watched, stop: justAfter(t: settled))
                |> stateRow(),
            if someOnCharger then
                chargerCells(state: () => chargers(start: settled, stop: end))
            else
                blanks(kinds: ["null"]),
        ],
    )
        |> inTime()
        |> map(fn: (r) => ({r with together: 1.0}))

// ---- those that wait, a few in every run, each from where it can be trusted ------------------
// Round robin: whichever run it is decides who is next, so nobody waits for ever.
run = int(v: end) / int(v: cell)
turn = (battery) => {
    own = array.filter(arr: batteries, fn: (x) => x.battery == battery)
    instrument = own[0].instrument
    ofBattery = (tables=<-) => tables |> filter(fn: (r) => r.battery == battery)
    ofShunt = (tables=<-) =>
        tables |> filter(fn: (r) => r.battery == battery and r.instrument == instrument)
    seen =
        recent
            |> ofBattery()
            |> findColumn(fn: (key) => true, column: "_value")
    base =
        counters(start: always, stop: justAfter(t: watched))
            |> ofBattery()
            |> last()
            |> findColumn(fn: (key) => true, column: "_value")
    uncounted = if length(arr: base) > 0 then base[0] else 0.0
    changed =
        if length(arr: seen) > 0 then
            union(
                tables: [
                    blanks(kinds: ["counted", "stored"]),
                    currents(start: watched, stop: settled)
                        |> ofShunt()
                        |> aggregateWindow(every: cell, fn: count, createEmpty: false)
                        |> cumulativeSum()
                        |> ofKind(kind: "counted"),
                    counters(start: justAfter(t: watched), stop: justAfter(t: settled))
                        |> ofBattery()
                        |> ofKind(kind: "stored"),
                ],
            )
                |> group()
                |> pivot(rowKey: ["_time"], columnKey: ["kind"], valueColumn: "_value")
                |> filter(
                    fn: (r) =>
                        r._time > watched and exists r.counted and (not exists r.stored or r.counted
                                >
                                r.stored - uncounted),
                )
                |> sort(columns: ["_time"])
                |> limit(n: 1)
                |> findColumn(fn: (key) => true, column: "_time")
        else
            []
    trusted = if length(arr: changed) > 0 then date.sub(d: cell, from: changed[0]) else settled
    state = rows(start: always, stop: justAfter(t: trusted)) |> ofBattery() |> stateRow()
    stateTime = state |> group() |> limit(n: 1) |> findColumn(fn: (key) => true, column: "_time")
    next =
        currents(start: if length(arr: stateTime) > 0 then stateTime[0] else always, stop: end)
            |> ofShunt()
            |> first()
            |> findColumn(fn: (key) => true, column: "_time")
    start =
        if length(arr: next) > 0 then
            date.truncate(t: next[0], unit: cell)
        else
            settled
    limit = date.add(d: chunk, to: start)
    stop = if limit < end then limit else end

    return
        union(
            tables: [
                cells(
                    current: () => currents(start: start, stop: stop) |> ofShunt(),
                    voltage: () => voltages(start: start, stop: stop) |> ofShunt(),
                ),
                state,
                if own[0].full_charger_state >= 0.0 then
                    chargerCells(state: () => chargers(start: start, stop: stop) |> ofBattery())
                else
                    blanks(kinds: ["null"]),
            ],
        )
            |> inTime()
}
alone =
    array.map(
        arr: array.filter(arr: turns, fn: (x) => x < length(arr: waiting)),
        fn: (x) => turn(battery: waiting[(run * length(arr: turns) + x) % length(arr: waiting)]),
    )

// ---- the balance, cell by cell ----------------------------------------------------------------
// One table a battery: a row with its settings and the state it starts from, the row stored last,
// its cells. Rows that set the state have `samples`. All but the clamp is done by whole columns.
table =
    union(
        tables:
            array.concat(
                arr: alone,
                v: [
                    together,
                    configured
                        |> map(
                            fn: (r) =>
                                ({r with
                                    _time: 1970-01-01T00:00:00Z,
                                    waiting: 0.0,
                                    charger_at: 0.0,
                                    soc_pct: r.initial_soc_pct,
                                    base_sigma_pct: r.initial_sigma_pct,
                                    unobserved_s: 0.0,
                                    observed_s: 0.0,
                                    throughput_ah: 0.0,
                                    full_held_s: -1.0,
                                    empty_held_s: -1.0,
                                    sample_age_s: 0.0,
                                    sample_current_a: 0.0,
                                    samples: 0.0,
                                }),
                        )
                        |> drop(columns: ["initial_soc_pct", "initial_sigma_pct"]),
                    array.from(
                        rows:
                            array.map(
                                arr: array.concat(arr: waiting, v: ["-"]),
                                fn: (x) =>
                                    ({
                                        battery: x,
                                        instrument: "-",
                                        _time: 1970-01-01T00:00:01Z,
                                        waiting: 1.0,
                                    }),
                            ),
                    )
                        |> keep(columns: ["battery", "instrument", "_time", "waiting"]),
                ],
            ),
    )

lines =
    table
        |> group()
        |> sort(columns: ["battery", "_time", "instrument"])
        |> carry(column: "owner")
        |> carry(column: "wanted")
        |> carry(column: "waiting")
        // The charger may be another instrument: its row is the one before, of the same cell.
        |> map(fn: (r) => ({r with stamp: float(v: r._time) / 1000000000.0}))
        |> map(
            fn: (r) =>
                ({r with charger_at:
                        if exists r.charger_min then
                            r.stamp
                        else
                            r.charger_at,
                }),
        )
        |> carry(column: "charger_at")
        |> carry(column: "charger_min")
        |> carry(column: "charger_max")
        |> map(
            fn: (r) =>
                ({r with charger_min: if r.charger_at == r.stamp then r.charger_min else r.null,
                    charger_max: if r.charger_at == r.stamp then r.charger_max else r.null,
                }),
        )
        |> filter(
            fn: (r) =>
                r.owner == r.battery and (exists r.samples or exists r.count and r.instrument
                            ==
                            r.wanted) and not (exists r.together and r.waiting > 0.0),
        )
        |> carry(column: "site")
        |> carry(column: "capacity_ah")
        |> carry(column: "efficiency")
        |> carry(column: "offset_sigma_a")
        |> carry(column: "gain_sigma")
        |> carry(column: "gap_sigma_a")
        |> carry(column: "max_gap_s")
        |> carry(column: "anchor_sigma_pct")
        |> carry(column: "full_voltage_v")
        |> carry(column: "full_current_a")
        |> carry(column: "full_charger_state")
        |> carry(column: "full_hold_s")
        |> carry(column: "empty_voltage_v")
        |> carry(column: "empty_floor_v")
        |> carry(column: "empty_current_a")
        |> carry(column: "empty_hold_s")
        |> carry(column: "cell_s")
        // when and with which current a row begins and ends
        |> map(
            fn: (r) =>
                ({r with begins: r.stamp - r.cell_s + r.first / 1000000000.0,
                    within: if exists r.samples then 0.0 else r.inside / 1000000000.0,
                    count: if exists r.samples then 0.0 else r.count,
                    last: if exists r.samples then r.sample_current_a else r.current_last,
                }),
        )
        |> map(
            fn: (r) =>
                ({r with ends:
                        if exists r.samples then r.stamp - r.sample_age_s else r.begins + r.within,
                }),
        )
        |> duplicate(column: "ends", as: "passed")
        |> duplicate(column: "last", as: "change")
        |> difference(columns: ["passed", "change"], keepFirst: true)
        // The time since the row before is bridged by a trapezoid, or it is a gap. Times are floats
        // with a resolution of 256 ns, so a limit is one only within a millisecond.
        |> map(
            fn: (r) =>
                ({r with before: r.last - r.change,
                    pause:
                        if exists r.samples or r.ends == r.passed then 0.0 else r.passed - r.within,
                }),
        )
        |> map(
            fn: (r) =>
                ({r with missed: if r.pause > r.max_gap_s + 0.001 then r.pause else 0.0,
                    bridged: if r.pause > r.max_gap_s + 0.001 then 0.0 else r.pause,
                }),
        )
        |> map(
            fn: (r) =>
                ({r with time: r.bridged + r.within,
                    charged:
                        if exists r.samples then
                            0.0
                        else
                            r.charged / 1000000000.0 + ((if r.before > 0.0 then r.before else 0.0)
                                    +
                                    (if r.current_first > 0.0 then r.current_first else 0.0)) / 2.0
                                *
                                r.bridged,
                    discharged:
                        if exists r.samples then
                            0.0
                        else
                            r.discharged / 1000000000.0 - ((if r.before < 0.0 then
                                    r.before
                                else
                                    0.0) + (if r.current_first < 0.0 then r.current_first else 0.0))
                                    /
                                    2.0 * r.bridged,
                }),
        )
        |> map(
            fn: (r) =>
                ({r with
                    delta: (r.efficiency * r.charged - r.discharged) / (36.0 * r.capacity_ah),
                    throughput: (r.charged + r.discharged) / 3600.0,
                    // anchors: 1 fulfilled, 0.5 cannot be told, 0 not fulfilled
                    full_v:
                        if r.full_voltage_v < 0.0 then
                            0.0
                        else if not exists r.voltage_min then
                            0.5
                        else if r.voltage_min >= r.full_voltage_v and r.current_max
                                <=
                                r.full_current_a and -r.current_min <= r.full_current_a then
                            1.0
                        else
                            0.0,
                    full_c:
                        if r.full_charger_state < 0.0 then
                            0.0
                        else if not exists r.charger_min then
                            0.5
                        else if r.charger_min == r.full_charger_state and r.charger_max
                                ==
                                r.full_charger_state then
                            1.0
                        else
                            0.0,
                    is_empty:
                        if r.empty_voltage_v < 0.0 then
                            0.0
                        else if not exists r.voltage_max then
                            0.5
                        else if r.voltage_max <= r.empty_voltage_v and r.voltage_min
                                >=
                                r.empty_floor_v and r.current_max <= r.empty_current_a
                                and
                                -r.current_min <= r.empty_current_a then
                            1.0
                        else
                            0.0,
                }),
        )
        |> map(fn: (r) => ({r with is_full: if r.full_v > r.full_c then r.full_v else r.full_c}))
        |> map(
            fn: (r) =>
                ({r with full_on:
                        if exists r.samples then
                            if r.full_held_s < 0.0 then 0.0 else 1.0
                        else if r.is_full == 0.5 and r.missed == 0.0 then
                            r.null
                        else if r.is_full == 1.0 then
                            1.0
                        else
                            0.0,
                    empty_on:
                        if exists r.samples then
                            if r.empty_held_s < 0.0 then 0.0 else 1.0
                        else if r.is_empty == 0.5 and r.missed == 0.0 then
                            r.null
                        else if r.is_empty == 1.0 then
                            1.0
                        else
                            0.0,
                }),
        )
        |> carry(column: "full_on")
        |> carry(column: "empty_on")
        |> duplicate(column: "full_on", as: "full_turn")
        |> duplicate(column: "empty_on", as: "empty_turn")
        |> difference(columns: ["full_turn", "empty_turn"], keepFirst: true)
        |> duplicate(column: "missed", as: "gaps")
        |> cumulativeSum(columns: ["time", "throughput", "gaps", "count"])
        // how long a condition has been held: since it turned on, or since a gap
        |> map(
            fn: (r) =>
                ({r with full_from:
                        if exists r.samples then
                            r.full_held_s - r.time
                        else if r.full_on == 1.0 and (r.full_turn == 1.0 or r.missed > 0.0) then
                            r.within - r.time
                        else
                            r.null,
                    empty_from:
                        if exists r.samples then
                            r.empty_held_s - r.time
                        else if r.empty_on == 1.0 and (r.empty_turn == 1.0 or r.missed > 0.0) then
                            r.within - r.time
                        else
                            r.null,
                }),
        )
        |> carry(column: "full_from")
        |> carry(column: "empty_from")
        |> map(
            fn: (r) =>
                ({r with full: if r.full_on == 1.0 then r.time + r.full_from else -1.0,
                    empty: if r.empty_on == 1.0 then r.time + r.empty_from else -1.0,
                }),
        )
        // what sets the state: a stored row, or an anchor
        |> map(
            fn: (r) =>
                ({r with set:
                        if exists r.samples then
                            r.soc_pct
                        else if r.is_full == 1.0 and r.full >= r.full_hold_s - 0.001 then
                            100.0
                        else if r.is_empty == 1.0 and r.empty >= r.empty_hold_s - 0.001 then
                            0.0
                        else
                            -1.0,
                }),
        )
        |> map(
            fn: (r) =>
                ({r with
                    base:
                        if exists r.samples then
                            r.base_sigma_pct
                        else if r.set >= 0.0 then
                            r.anchor_sigma_pct
                        else
                            r.null,
                    observed:
                        if exists r.samples then
                            r.observed_s - r.time
                        else if r.set >= 0.0 then
                            -r.time
                        else
                            r.null,
                    moved:
                        if exists r.samples then
                            r.throughput_ah - r.throughput
                        else if r.set >= 0.0 then
                            -r.throughput
                        else
                            r.null,
                    unobserved:
                        if exists r.samples then
                            r.unobserved_s - r.gaps
                        else if r.set >= 0.0 then
                            -r.gaps
                        else
                            r.null,
                    counted: if exists r.samples then r.samples - r.count else r.null,
                }),
        )
        |> carry(column: "base")
        |> carry(column: "observed")
        |> carry(column: "moved")
        |> carry(column: "unobserved")
        |> carry(column: "counted")
        |> map(
            fn: (r) =>
                ({r with observed: r.observed + r.time,
                    moved: r.moved + r.throughput,
                    unobserved: r.unobserved + r.gaps,
                    counted: r.counted + r.count,
                }),
        )
        |> map(
            fn: (r) =>
                ({r with sigma:
                        (r.base ^ 2.0 + (r.offset_sigma_a * r.observed / (36.0 * r.capacity_ah))
                            ^
                            2.0 + (r.gain_sigma * r.moved * 100.0 / r.capacity_ah) ^ 2.0
                            +
                            (r.gap_sigma_a * r.unobserved / (36.0 * r.capacity_ah)) ^ 2.0) ^ 0.5,
                }),
        )
        |> map(
            fn: (r) =>
                ({r with // More than "anywhere" cannot be unknown: 100 %/sqrt(12).
                    sigma: if r.sigma > 28.8675 then 28.8675 else r.sigma,
                    age: r.stamp - r.ends,
                }),
        )
        // One table was faster than many so far; a text for each battery is shorter than one.
        |> group(columns: ["battery"])
        |> reduce(
            fn: (r, accumulator) => {
                sum = if r.set >= 0.0 then r.set else accumulator.soc + r.delta
                soc = if sum > 100.0 then 100.0 else if sum < 0.0 then 0.0 else sum
                charge = soc / 100.0 * r.capacity_ah
                line =
                    if exists r.samples then
                        ""
                    else
                        "${r.site},${r.battery},${r._time},${soc},${charge},${r.sigma},"
                            +
                            "${r.unobserved},${r.observed},${r.moved},${r.base},${r.full},"
                            +
                            "${r.empty},${r.age},${r.last},${r.counted};"

                // Appending to a long text copies it: lines gather on a page first.
                return
                    {
                        soc: soc,
                        lines:
                            if accumulator.onPage >= 100 then
                                accumulator.lines + accumulator.page
                            else
                                accumulator.lines,
                        page:
                            if accumulator.onPage >= 100 then
                                line
                            else
                                accumulator.page + line,
                        onPage: if accumulator.onPage >= 100 then 1 else accumulator.onPage + 1,
                    }
            },
            identity: {soc: 0.0, lines: "", page: "", onPage: 0},
        )
        |> map(fn: (r) => ({lines: r.lines + r.page}))
        |> findColumn(fn: (key) => true, column: "lines")

// ---- every line becomes a row -----------------------------------------------------------------
none = "-,-,1970-01-01T00:00:00Z,0,0,0,0,0,0,0,0,0,0,0,0;"

array.from(
    rows:
        array.map(
            arr:
                array.filter(
                    arr: strings.split(v: none + strings.joinStr(arr: lines, v: ""), t: ";"),
                    fn: (x) => x != "",
                ),
            fn: (x) => {
                f = strings.split(v: x, t: ",")

                return {
                    site: f[0],
                    battery: f[1],
                    stamp: f[2],
                    soc_pct: f[3],
                    charge_ah: f[4],
                    sigma_pct: f[5],
                    unobserved_s: f[6],
                    observed_s: f[7],
                    throughput_ah: f[8],
                    base_sigma_pct: f[9],
                    full_held_s: f[10],
                    empty_held_s: f[11],
                    sample_age_s: f[12],
                    sample_current_a: f[13],
                    samples: f[14],
                }
            },
        ),
)
    |> filter(fn: (r) => r.battery != "-")
    |> map(
        fn: (r) =>
            ({
                site: r.site,
                battery: r.battery,
                stamp: r.stamp,
                soc_pct: float(v: r.soc_pct),
                charge_ah: float(v: r.charge_ah),
                sigma_pct: float(v: r.sigma_pct),
                unobserved_s: float(v: r.unobserved_s),
                observed_s: float(v: r.observed_s),
                throughput_ah: float(v: r.throughput_ah),
                base_sigma_pct: float(v: r.base_sigma_pct),
                full_held_s: float(v: r.full_held_s),
                empty_held_s: float(v: r.empty_held_s),
                sample_age_s: float(v: r.sample_age_s),
                sample_current_a: float(v: r.sample_current_a),
                samples: float(v: r.samples),
            }),
    )
    |> map(fn: (r) => ({r with _time: time(v: r.stamp)}))
    |> drop(columns: ["stamp"])
    |> set(key: "_measurement", value: "soc")
    |> set(key: "method", value: "coulomb")
    |> group(columns: ["_measurement", "site", "battery", "method"])
    |> influxdb.wideTo(bucket: derived)
