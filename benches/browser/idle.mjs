// What a board in which nothing happens costs the processor.

import { execFileSync } from "node:child_process";
import { readFile, readdir } from "node:fs/promises";
import { Host, Native, display, folder, tidy } from "../../tests/browser/lab.mjs";
import { LARGE, Page } from "./page.mjs";

/** How long the processes are watched, in milliseconds. */
const WATCHED_MS = Number(process.env.IDLE_SECONDS ?? 10) * 1000;
/** How long they are left alone before, so that starting isn't counted. */
const REST_MS = WATCHED_MS;

export async function idle(table, browsers) {
    table.heading("processor of somebody who is alone with an empty board and does nothing, in all processes together");
    const native = await table.measure("native window", nativeWindow, share);
    await tidy();
    for (const [name, launch] of Object.entries(browsers)) {
        const blank = await table.measure(`${name}: an empty page`, () => emptyPage(launch), share);
        await tidy();
        const page = await table.measure(`${name}: whiteboard`, () => whiteboard(launch), share);
        await tidy();
        table.ratio(`${name}: whiteboard / native window`, page, native);
        table.ratio(`${name}: whiteboard / an empty page`, page, blank);
    }
}

async function nativeWindow() {
    const data = ["--data", await folder(), "--listen", "127.0.0.1:0"];
    const native = Native.start(data, { DISPLAY: await display(), WINIT_X11_SCALE_FACTOR: "1" });
    await native.wait("a leader", (status) => status.role === "leader");
    return used(native.child.pid);
}

async function emptyPage(launch) {
    const browser = await launch();
    const page = await browser.newPage();
    await page.setViewport(LARGE);
    return used(browser.process().pid);
}

async function whiteboard(launch) {
    const host = await Host.start();
    const browser = await launch();
    const page = await Page.open(browser, host.url, { viewport: LARGE });
    await page.board.wait("a leader", (status) => status.role === "leader");
    await page.usable();
    return used(browser.process().pid);
}

/** Which part of one core a process and everything it started uses. */
async function used(root) {
    await sleep(REST_MS);
    const [before, since] = [await ticks(root), performance.now()];
    await sleep(WATCHED_MS);
    const after = await ticks(root);
    const seconds = (performance.now() - since) / 1000;
    const spent = [...after].reduce((sum, [pid, ticks]) => sum + ticks - (before.get(pid) ?? 0), 0);
    return spent / ticksPerSecond() / seconds;
}

function sleep(time) {
    return new Promise((resolve) => setTimeout(resolve, time));
}

function share(value) {
    return { words: `${(value * 100).toFixed(1)} % of a core`, value };
}

/** The clock ticks, user's and system's, of a process and of everything below it, by their numbers. */
async function ticks(root) {
    const processes = new Map();
    for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
        // One that ended meanwhile is none.
        const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
        if (text) processes.set(Number(pid), stat(text));
    }
    const below = (pid) => pid === root || (processes.has(pid) && below(processes.get(pid).parent));
    return new Map([...processes].filter(([pid]) => below(pid)).map(([pid, { ticks }]) => [pid, ticks]));
}

/** The name of a program, in parentheses, may hold anything. */
function stat(text) {
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
}

function ticksPerSecond() {
    return Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
}
