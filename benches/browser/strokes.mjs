// A board with many strokes: how long it takes to join it, and how smoothly it moves.

import { Host, Native, folder, strokes, tidy } from "../../tests/browser/lab.mjs";
import { LARGE, Page } from "./page.mjs";
import { percentile, runs } from "./table.mjs";

const STROKES = Number(process.env.STROKES ?? 10_000);
const JOINS = Number(process.env.RUNS ?? 5);
const FRAMES = Number(process.env.FRAMES ?? 300);
/** Frames until everything is on the graphics card. */
const FRAMES_BEFORE = 30;

export async function board(table, browsers) {
    table.heading(`until a board of ${STROKES} strokes is there, joined by its link (${JOINS} times)`);
    const { link } = await holder();
    const headless = () => times(() => joined(link));
    const native = await table.measure("native, without a window, from its start", headless, runs);
    const holders = {};
    for (const [name, launch] of Object.entries(browsers)) {
        const browser = await launch();
        const visits = [];
        const join = () => times(async () => visits.push(await visited(browser, link)) && visits.at(-1).filled);
        const page = await table.measure(`${name}: page, from the navigation`, join, runs);
        const rest = async () => visits.map(({ filled, usable }) => Math.max(0, filled - usable));
        await table.measure(`${name}: page, from its first frame`, rest, runs);
        table.ratio(`${name}: page from the navigation / native`, page, native);
        holders[name] = browser;
    }
    table.heading(`frame time with ${STROKES} strokes at ${LARGE.width}×${LARGE.height}, moved by the wheel`);
    table.row("native", "not measured: a native window doesn't tell when it draws");
    for (const [name, browser] of Object.entries(holders)) {
        const base = await table.measure(`${name}: bare_page`, () => moved(browser, link, "bare_page"), frames);
        const value = await table.measure(`${name}: whiteboard`, () => moved(browser, link, "whiteboard"), frames);
        table.ratio(`${name}: whiteboard / bare_page`, value, base);
    }
    await tidy();
}

/** A native peer that has drawn the board; nobody waits for whoever leaves it. */
async function holder() {
    const host = await Host.start([], { many: strokes(0, STROKES) });
    const url = host.url.replace("http", "ws");
    const draw = ["--draw", host.file("many"), "--signal", url];
    const native = Native.start(["--headless", "--data", await folder(), ...draw]);
    const link = await native.link();
    await native.wait("its strokes", ({ strokes, pending }) => strokes === STROKES && pending === 0);
    const { hash } = new URL(link);
    return { link: `${host.url}/${hash}` };
}

async function times(measure) {
    const all = [];
    while (all.length < JOINS) all.push(await measure());
    return all;
}

/** Seconds. */
async function joined(link) {
    const since = performance.now();
    const native = Native.start(["--headless", "--data", await folder(), link]);
    await native.wait("the board", ({ strokes }) => strokes === STROKES);
    const taken = (performance.now() - since) / 1000;
    await native.kill("SIGTERM");
    return taken;
}

/** Seconds, to the first frame and to the whole board. */
async function visited(browser, link) {
    const context = await browser.createBrowserContext();
    const page = await Page.open(context, link);
    const [usable, filled] = [await page.usable(), await page.filled(STROKES)];
    await leave(context, page);
    return { usable: usable / 1000, filled: filled / 1000 };
}

/** In good order, so that the next one finds a room without ghosts. */
async function leave(context, { page }) {
    await page.close().catch(() => {});
    await context.close().catch(() => {});
}

/** Milliseconds between frames. */
async function moved(browser, link, name) {
    const context = await browser.createBrowserContext();
    const page = await Page.open(context, link, { name, viewport: LARGE });
    await page.usable();
    if (name === "whiteboard") await page.filled(STROKES);
    await page.pan(FRAMES_BEFORE);
    const all = await page.pan(FRAMES);
    await leave(context, page);
    return all;
}

function frames(values) {
    const [p50, p95] = [percentile(values, 50), percentile(values, 95)];
    return { words: `p50 ${p50.toFixed(1)} ms   p95 ${p95.toFixed(1)} ms   (${values.length} frames)`, value: p50 };
}
