// Mean, least, greatest and count of every number in bucket raw, for each minute.
// A row is stamped with the beginning of its minute; tag `stat` says which of the four it is.
import "array"
import "date"
import "dict"

// soclab:parameters begin
option task = {name: "rollup_1m", every: 1m, offset: 10s}

raw = "raw"
rollup = "rollup_1m"
late = 1h
chunk = 1d
turns = [
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
]
isNumber = (r) => r._field != "reason" and r._field != "text" and r._measurement != "thingset_extra"

// soclab:parameters end
// Minutes after `settled` are computed anew by every run, because data in flight belongs there;
// minutes back to `watched` only if data came late.
end = date.truncate(t: now(), unit: 1m)
settled = date.sub(d: 2m, from: end)
watched = date.sub(d: late, from: settled)
always = 1970-01-01T00:00:00Z

recorded = (start, stop) =>
    from(bucket: raw)
        |> range(start: start, stop: stop)
        |> filter(fn: isNumber)
rolled = (start, stop) =>
    from(bucket: rollup)
        |> range(start: start, stop: stop)
        |> filter(fn: (r) => r.stat == "count")

// ---- which instruments are in step, and which wait for a turn ---------------------------------
// In step: as many values are counted in its rows as are recorded, and no row is missing since.
// One blank row of every kind gives the columns their types where there is no data yet.
ofKind = (tables=<-, kind) =>
    tables
        |> toFloat()
        |> keep(columns: ["instrument", "_value"])
        |> group(columns: ["instrument"])
        |> set(key: "kind", value: kind)
blanks =
    array.from(
        rows:
            array.map(
                arr: ["counted", "stored", "last", "rolled"],
                fn: (x) => ({instrument: "-", kind: x, _value: 0.0}),
            ),
    )
timeAsValue = (tables=<-) =>
    tables
        |> last()
        |> map(fn: (r) => ({instrument: r.instrument, _value: float(v: int(v: r._time))}))
        |> group(columns: ["instrument"])
        |> max()
minute = 60000000000.0
waiting =
    union(
        tables: [
            blanks,
            recorded(start: watched, stop: settled)
                |> count()
                |> group(columns: ["instrument"])
                |> sum()
                |> ofKind(kind: "counted"),
            rolled(start: watched, stop: settled)
                |> sum()
                |> group(columns: ["instrument"])
                |> sum()
                |> ofKind(kind: "stored"),
            recorded(start: always, stop: settled) |> timeAsValue() |> ofKind(kind: "last"),
            rolled(start: always, stop: settled) |> timeAsValue() |> ofKind(kind: "rolled"),
        ],
    )
        |> group()
        |> pivot(rowKey: ["instrument"], columnKey: ["kind"], valueColumn: "_value")
        |> filter(
            fn: (r) =>
                r.instrument != "-" and (not exists r.rolled or exists r.last and r.last >= r.rolled
                            +
                            minute or exists r.counted and (not exists r.stored or r.counted
                                >
                                r.stored)),
        )
        |> sort(columns: ["instrument"])
        |> findColumn(fn: (key) => true, column: "instrument")
isWaiting =
    dict.fromList(
        pairs:
            array.map(
                arr: array.concat(arr: waiting, v: [""]),
                fn: (x) => ({key: x, value: x != ""}),
            ),
    )

// ---- the four numbers of a minute -------------------------------------------------------------
each = (tables=<-, fn, stat) =>
    tables
        |> aggregateWindow(every: 1m, fn: fn, createEmpty: false, timeSrc: "_start")
        |> toFloat()
        |> drop(columns: ["_start", "_stop"])
        |> set(key: "stat", value: stat)
minutes = (values) =>
    union(
        tables: [
            values() |> each(fn: mean, stat: "mean"),
            values() |> each(fn: min, stat: "min"),
            values() |> each(fn: max, stat: "max"),
            values() |> each(fn: count, stat: "count"),
        ],
    )

// ---- those that wait, a few in every run ------------------------------------------------------
run = int(v: end) / int(v: 1m)
turn = (instrument) => {
    own = (tables=<-) => tables |> filter(fn: (r) => r.instrument == instrument)
    perMinute = (tables=<-, kind) =>
        tables
            |> group(columns: ["_time"])
            |> sum()
            |> group()
            |> toFloat()
            |> keep(columns: ["_time", "_value"])
            |> set(key: "kind", value: kind)
    lastRow =
        rolled(start: always, stop: settled)
            |> own()
            |> last()
            |> group()
            |> max(column: "_time")
            |> findColumn(fn: (key) => true, column: "_time")
    since =
        if length(arr: lastRow) > 0 then
            date.add(d: 1m, to: lastRow[0])
        else
            always
    changed =
        if since >= watched then
            union(
                tables: [
                    array.from(
                        rows: [
                            {_time: always, kind: "counted", _value: 0.0},
                            {_time: always, kind: "stored", _value: 0.0},
                        ],
                    ),
                    recorded(start: watched, stop: settled)
                        |> own()
                        |> aggregateWindow(
                            every: 1m,
                            fn: count,
                            createEmpty: false,
                            timeSrc: "_start",
                        )
                        |> perMinute(kind: "counted"),
                    rolled(start: watched, stop: settled) |> own() |> perMinute(kind: "stored"),
                ],
            )
                |> pivot(rowKey: ["_time"], columnKey: ["kind"], valueColumn: "_value")
                |> filter(
                    fn: (r) => exists r.counted and (not exists r.stored or r.counted > r.stored),
                )
                |> sort(columns: ["_time"])
                |> limit(n: 1)
                |> findColumn(fn: (key) => true, column: "_time")
        else
            []
    next =
        if length(arr: changed) > 0 then
            changed
        else
            recorded(start: since, stop: end)
                |> own()
                |> first()
                |> group()
                |> min(column: "_time")
                |> findColumn(fn: (key) => true, column: "_time")
    start =
        if length(arr: next) > 0 then
            date.truncate(t: next[0], unit: 1m)
        else
            settled
    limit = date.add(d: chunk, to: start)
    stop = if limit < end then limit else end

    return minutes(values: () => recorded(start: start, stop: stop) |> own())
}
alone =
    array.map(
        arr: array.filter(arr: turns, fn: (x) => x < length(arr: waiting)),
        fn: (x) => turn(instrument: waiting[(run * length(arr: turns) + x) % length(arr: waiting)]),
    )
together =
    minutes(values: () => recorded(start: settled, stop: end))
        |> filter(fn: (r) => not dict.get(dict: isWaiting, key: r.instrument, default: false))

union(tables: array.concat(arr: alone, v: [together, together |> limit(n: 0)]))
    |> to(bucket: rollup)
