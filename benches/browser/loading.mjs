// What a first visit loads, and how long it takes until there is something to use.

import { Host, tidy } from "../../tests/browser/lab.mjs";
import { LARGE, Page } from "./page.mjs";
import { runs } from "./table.mjs";

/** Visits of each page, alternating, so that both meet the same machine. */
const VISITS = Number(process.env.RUNS ?? 5);

export async function loading(table, browsers) {
    const first = {};
    table.heading("bytes that a first visit loads");
    for (const [name, launch] of Object.entries(browsers)) {
        const host = await Host.start();
        const browser = await launch();
        const sizes = {};
        for (const page of ["whiteboard", "bare_page"]) {
            sizes[page] = await table.measure(`${name}: ${page}`, () => weigh(browser, host, page), told);
        }
        table.ratio(`${name}: whiteboard / bare_page`, sizes.whiteboard, sizes.bare_page);
        first[name] = await visits(browser, host);
        await tidy();
    }
    table.heading(`first usable frame after the navigation, ${VISITS} first visits of each page in turn`);
    for (const [name, { whiteboard, bare_page }] of Object.entries(first)) {
        const base = await table.measure(`${name}: bare_page`, () => whole(bare_page), runs);
        const value = await table.measure(`${name}: whiteboard`, () => whole(whiteboard), runs);
        table.ratio(`${name}: whiteboard / bare_page`, value, base);
    }
}

/** Everything that a page fetches from its server until it can be used. */
async function weigh(browser, host, name) {
    const context = await browser.createBrowserContext();
    const fetched = new Map();
    const note = (page) => page.on("response", (response) => fetched.set(response.url(), response));
    const page = await Page.open(context, host.url, { name, viewport: LARGE, prepare: note });
    await page.usable();
    await context.close();
    const files = [...fetched.values()].filter((response) => response.url().startsWith("http"));
    const lengths = files.map((response) => Number(response.headers()["content-length"]));
    const isCode = (response) => /\.(js|wasm)$/.test(response.url());
    const plain = files.filter((response) => isCode(response) && !response.headers()["content-encoding"]);
    if (lengths.some(Number.isNaN)) throw new Error("the server doesn't tell all lengths");
    return { bytes: lengths.reduce((sum, bytes) => sum + bytes, 0), files: files.length, plain: plain.length };
}

function told({ bytes, files, plain }) {
    const how = plain === 0 ? "brotli" : `${plain} of them not compressed`;
    return { words: `${(bytes / 1e6).toFixed(2)} MB in ${files} files, ${how}`, value: bytes };
}

/** Seconds to the first frame of both pages, visited in turn; or why there are none. */
async function visits(browser, host) {
    const all = { whiteboard: [], bare_page: [] };
    for (let visit = 0; visit < VISITS; visit++) {
        for (const [name, times] of Object.entries(all)) times.push(await visited(browser, host, name));
    }
    return all;
}

async function visited(browser, host, name) {
    const context = await browser.createBrowserContext();
    try {
        const page = await Page.open(context, host.url, { name, viewport: LARGE });
        return (await page.usable()) / 1000;
    } catch (error) {
        return error;
    } finally {
        await context.close().catch(() => {});
    }
}

/** A visit that failed makes the row. */
function whole(times) {
    const failure = times.find((time) => typeof time !== "number");
    if (failure) throw failure;
    return times;
}
