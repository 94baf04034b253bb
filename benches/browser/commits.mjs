// How long a stroke is on its way: between pages, between a page and a native peer, between native peers, and alone,
// where its only way is to the disk.
//
// *Decided* is when consensus knows, which no frame delays; *settled* is when the app has carried it out, as
// `benches/processes` measures it; *from the pen's release* is the same for a stroke of the mouse, with the frame that
// draws it.

import { Host, Native, folder, strokes, tidy } from "../../tests/browser/lab.mjs";
import { Page } from "./page.mjs";
import { Peer } from "./peer.mjs";
import { latencies } from "./table.mjs";

/** Strokes of each row. */
const STROKES = Number(process.env.COUNT ?? 100);
/** Strokes by hand are many calls into the browser each. */
const STROKES_BY_HAND = Math.ceil(STROKES / 4);
/** Strokes before that, which find code that the browser hasn't translated yet. */
const STROKES_BEFORE = Math.min(20, STROKES);
const A_SECOND = 20;
const PAUSE_MS = 1000 / A_SECOND;

const [STROKE] = strokes(0, 1);

/** Each row is a room of its own, whose leader draws. */
export async function commits(table, browsers) {
    table.heading(`commit latency of two peers, ${A_SECOND} strokes a second at the leader`);
    const native = await row(table, "native and native, settled", nativePair);
    await tidy();
    for (const [name, launch] of Object.entries(browsers)) {
        for (const [others, second] of Object.entries({ page: () => anotherPage(launch), native: () => nativeBoard })) {
            const room = `${name}: page and ${others}`;
            const drawn = pageAnd(launch, second());
            const settled = await row(table, `${room}, settled`, async () => (await drawn).settled);
            await row(table, `${room}, decided`, async () => (await drawn).decided);
            await row(table, `${room}, from the pen's release`, async () => (await drawn).byHand);
            table.ratio(`${room} / native and native, settled`, settled, native);
            await tidy();
        }
    }
    table.heading(`storage latency: a stroke of somebody who is alone, which is decided once it is on the disk`);
    const disk = await row(table, "native, settled", nativeAlone);
    await tidy();
    for (const [name, launch] of Object.entries(browsers)) {
        const drawn = pageAnd(launch, async () => 1);
        const settled = await row(table, `${name}: page, settled`, async () => (await drawn).settled);
        await row(table, `${name}: page, decided`, async () => (await drawn).decided);
        table.ratio(`${name}: page / native, settled`, settled, disk);
        await tidy();
    }
}

function row(table, label, measure) {
    return table.measure(label, measure, latencies);
}

/** A page that opens a board, and whoever `join` lets in; gives how many they are. */
async function pageAnd(launch, join) {
    const host = await Host.start();
    const first = await Page.open(await launch(), host.url);
    await first.board.wait("a leader", (status) => status.role === "leader");
    const members = await join(await first.board.link());
    await first.board.wait("everybody", ({ role, voters }) => role === "leader" && voters.length === members);
    await first.draw(STROKE, STROKES_BEFORE, PAUSE_MS);
    const drawn = await first.draw(STROKE, STROKES, PAUSE_MS);
    const byHand = await first.drawByHand(STROKES_BY_HAND, PAUSE_MS);
    return { settled: of(drawn, "settled"), decided: of(drawn, "decided"), byHand: of(byHand, "settled") };
}

/** One of the times of each stroke that was drawn at the leader: a busy machine may let another peer take over. */
function of(drawn, time) {
    const led = drawn.filter(({ leads }) => leads);
    if (led.length === 0) throw new Error("another peer led all the time");
    return led.map((stroke) => stroke[time]);
}

/** In a browser of its own: a tab behind another one would be hidden. */
function anotherPage(launch) {
    return async (link) => {
        await Page.open(await launch(), link);
        return 2;
    };
}

async function nativeBoard(link) {
    Native.start(["--headless", "--data", await folder(), link]);
    return 2;
}

async function nativePair() {
    const host = await Host.start();
    const first = await Peer.start(host.url.replace("http", "ws"));
    await Peer.start(await first.link());
    await first.stands(true, 2);
    return drawn(first);
}

async function nativeAlone() {
    const host = await Host.start();
    const peer = await Peer.start(host.url.replace("http", "ws"));
    await peer.stands(true, 1);
    return drawn(peer);
}

/** Without the first strokes, as for pages. */
async function drawn(peer) {
    return (await peer.trickle(A_SECOND, STROKES_BEFORE + STROKES)).slice(STROKES_BEFORE);
}
