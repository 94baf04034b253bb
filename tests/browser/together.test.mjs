// One board in two pages of Chromium, one of Firefox, and a native window.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { Board, Host, Native, agreed, chromium, display, firefox, folder, strokes, tidy, until } from "./lab.mjs";

after(tidy);

/** What each of them draws; `STROKES` asks for more. */
const EACH = Number(process.env.STROKES ?? 50);
/** How long after its start a board's picture is taken, in seconds: it is back among the others by then. */
const PICTURE_AFTER = 10;
/** How much two pictures may differ: that part of their pixels, by more than that step of a colour. */
const [PIXELS_MAX, STEPS_MAX] = [0.01, 16];

test("pages of two browsers and a native window draw at once, and show the same", async () => {
    const hands = Object.fromEntries([0, 1, 2, 3].map((hand) => [hand, strokes(hand, EACH)]));
    const host = await Host.start([], hands);
    const draw = (hand) => ({ query: `&draw=/strokes/${hand}.json` });
    const first = await Board.open(await chromium(), host.url, draw(0));
    const link = await first.link();
    const second = await Board.open(await chromium(), link, draw(1));
    const third = await Board.open(await firefox(), link, draw(2));
    const [data, screen] = [await folder(), { DISPLAY: await display() }];
    const native = Native.start(["--data", data, "--draw", host.file(3), link], screen);
    const status = await agreed(4 * EACH, first, second, third, native);
    assert.equal(status.voters.length + status.learners.length, 4);

    // Everybody comes back to their own board, one after the other, and takes its picture.
    const file = join(await folder(), "native.png");
    await native.kill("SIGTERM");
    const timing = ["--screenshot", file, "--after", String(PICTURE_AFTER)];
    await Native.start(["--data", data, "--board-only", ...timing, link], screen).over;
    const expected = `data:image/png;base64,${(await readFile(file)).toString("base64")}`;
    for (const [name, board] of Object.entries({ first, second, third })) {
        await board.go(link, `&board-only&picture=${PICTURE_AFTER}`);
        await board.wait("its board", (status) => status.strokes === 4 * EACH);
        const hung = () => board.page.evaluate(() => document.documentElement.dataset.picture);
        await until(`the picture of ${name}`, hung, async () => JSON.stringify(await board.status()));
        const { part, ink } = await board.page.evaluate(compare, expected, STEPS_MAX);
        assert.ok(ink > 0.01, `${name}: something is drawn`);
        assert.ok(part <= PIXELS_MAX, `${name}: ${(part * 100).toFixed(3)} % of the pixels differ from the window's`);
        console.log(`${name}: ${(part * 100).toFixed(3)} % of the pixels differ; ${(ink * 100).toFixed(1)} % are ink`);
    }
});

/** Which part of the pixels of the page's picture differs from another picture by more than `steps`; which part is ink. */
async function compare(expected, steps) {
    const pixels = async (address) => {
        const image = new Image();
        image.src = address;
        await image.decode();
        const canvas = new OffscreenCanvas(image.width, image.height);
        const context = canvas.getContext("2d");
        context.drawImage(image, 0, 0);
        return context.getImageData(0, 0, image.width, image.height);
    };
    const [ours, theirs] = [await pixels(document.documentElement.dataset.picture), await pixels(expected)];
    if (ours.width !== theirs.width || ours.height !== theirs.height) throw new Error("pictures of different sizes");
    const count = ours.width * ours.height;
    let [different, ink] = [0, 0];
    for (let pixel = 0; pixel < count; pixel++) {
        const colours = [0, 1, 2].map((colour) => pixel * 4 + colour);
        if (colours.some((at) => Math.abs(ours.data[at] - theirs.data[at]) > steps)) different++;
        if (colours.some((at) => Math.abs(theirs.data[at] - theirs.data[at % 4]) > steps)) ink++;
    }
    return { part: different / count, ink: ink / count };
}
