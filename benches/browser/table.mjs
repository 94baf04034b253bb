// The table: a heading for each measure, a row for each thing measured, and ratios between them.

/** Prints as it goes, so that a run that breaks off has told what it knew. */
export class Table {
    heading(words) {
        console.log(`\n${words}:`);
    }

    row(label, words) {
        console.log(`  ${label.padEnd(LABEL_WIDTH)} ${words}`);
    }

    /** How many times as much `value` is as `base`; says so if one of them wasn't measured. */
    ratio(label, value, base) {
        const known = Number.isFinite(value) && Number.isFinite(base) && base > 0;
        this.row(`ratio ${label}`, known ? (value / base).toFixed(2) : "not measured: there is nothing to compare");
    }

    /** A row of what `measure` finds; what can't be measured is a row too. Gives what `tell` makes a number of. */
    async measure(label, measure, tell) {
        try {
            const { words, value } = tell(await measure());
            this.row(label, words);
            return value;
        } catch (error) {
            this.row(label, `not measured: ${reason(error)}`);
            return NaN;
        }
    }
}

const LABEL_WIDTH = 44;
const REASON_LENGTH_MAX = 200;

/** The beginning of what went wrong, in one line. */
function reason(error) {
    return String(error.message ?? error).replace(/\s+/g, " ").slice(0, REASON_LENGTH_MAX);
}

/** The value below which so many of a hundred lie. */
export function percentile(values, part) {
    const sorted = [...values].sort((one, other) => one - other);
    return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * part) / 100))] ?? NaN;
}

/** Milliseconds as `benches/processes` tells them; the median is what is compared. */
export function latencies(values) {
    const [p50, p99] = [percentile(values, 50), percentile(values, 99)];
    return { words: `p50 ${p50.toFixed(2)} ms   p99 ${p99.toFixed(2)} ms   (${values.length} strokes)`, value: p50 };
}

/** The median of a few runs, in seconds, and all of them. */
export function runs(values) {
    const median = percentile(values, 50);
    const all = values.map((value) => value.toFixed(2)).join(" ");
    return { words: `median ${median.toFixed(2)} s   all ${all}`, value: median };
}
