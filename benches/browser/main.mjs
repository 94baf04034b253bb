// What the whiteboard costs as a page: bytes, waiting, processor; beside a bare page of Bevy and native peers, measured
// in the same run. Real browsers, settings as shipped, over the real host program on this machine.
//
// Run, on a machine that does nothing else:
//
//     cargo xtask web --examples whiteboard,bare_page --out target/pages
//     cargo build --release --package bevy_quorum_host
//     cargo build --release --all-features --example whiteboard
//     cargo bench --all-features --bench processes --no-run
//     npm ci --prefix tests/browser
//     export QUORUM_PAGES=target/pages QUORUM_HOST=target/release/host
//     export QUORUM_WHITEBOARD=target/release/examples/whiteboard QUORUM_PEER=target/release/deps/processes-…
//     node benches/browser/main.mjs
//
// `QUORUM_PEER` is what the fourth line calls the executable. With names of parts (loading, commits, board, idle, going)
// and of browsers (chromium, firefox) it measures those alone. `RUNS`, `COUNT`, `STROKES`, `FRAMES`, `IDLE_SECONDS`,
// `ENTRIES`, `HIDDEN_SECONDS` and `ROUNDS` make it shorter, for trying it out.

import { readFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { chromium, firefox, tidy } from "../../tests/browser/lab.mjs";
import { commits } from "./commits.mjs";
import { going } from "./going.mjs";
import { idle } from "./idle.mjs";
import { loading } from "./loading.mjs";
import { board } from "./strokes.mjs";
import { Table } from "./table.mjs";

const PARTS = { loading, commits, board, idle, going };
const BROWSERS = { chromium, firefox };

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in PARTS) && !(name in BROWSERS));
if (unknown.length > 0) {
    console.error(`there is no ${unknown.join(", ")}; there are ${Object.keys({ ...PARTS, ...BROWSERS }).join(", ")}`);
    process.exit(2);
}

// Whoever loses patience leaves no browsers behind.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => tidy().finally(() => process.exit(1)));

const table = new Table();
const browsers = chosen(BROWSERS);
console.log(`${processor()}, ${availableParallelism()} cores, busy before with ${loadavg()[0].toFixed(1)} of them`);
for (const [name, launch] of Object.entries(browsers)) {
    await table.measure(name, async () => (await launch()).version(), (words) => ({ words }));
}
await tidy();
for (const part of Object.values(chosen(PARTS))) {
    await part(table, browsers).catch((error) => table.row("not measured", error.message));
    await tidy();
}

/** Those that were asked for, or all. */
function chosen(all) {
    const some = Object.entries(all).filter(([name]) => wanted.includes(name));
    return some.length > 0 ? Object.fromEntries(some) : all;
}

function processor() {
    const name = readFileSync("/proc/cpuinfo", "utf8").match(/^model name\s*:\s*(.*)$/m);
    return name ? name[1] : "an unknown processor";
}
