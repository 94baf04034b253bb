// Pages in real browsers, native whiteboards and the host program, each a process of its own.
//
// The programs and the pages are built before: `.ci/run` does it, and says where they are.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import puppeteer from "puppeteer-core";

/** How long anything may take on a busy machine before a test gives up, in milliseconds. */
export const PATIENCE_MS = 120_000;

/** How long a browser may take to close before it is killed, in milliseconds. */
const CLOSING_MS = 10_000;

const { QUORUM_PAGES, QUORUM_HOST, QUORUM_WHITEBOARD, QUORUM_PICTURES = join(tmpdir(), "quorum-pictures") } = process.env;

for (const [name, value] of Object.entries({ QUORUM_PAGES, QUORUM_HOST, QUORUM_WHITEBOARD })) {
    if (!value) throw new Error(`${name} must say where to find it; .ci/run shows how these tests are started`);
}

/** What Chromium is started with. Puppeteer switches off the throttling of hidden tabs; players' browsers have it. */
const CHROMIUM = {
    browser: "chrome",
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
        "--no-sandbox",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        "--disable-features=WebRtcHideLocalIpsWithMdns",
        "--enable-unsafe-swiftshader",
    ],
    ignoreDefaultArgs: [
        "--disable-background-timer-throttling",
        "--disable-backgrounding-occluded-windows",
        "--disable-renderer-backgrounding",
        "--disable-back-forward-cache",
    ],
};

const FIREFOX = {
    browser: "firefox",
    executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
    extraPrefsFirefox: {
        "media.peerconnection.ice.obfuscate_host_addresses": false,
        "webgl.force-enabled": true,
        "dom.disable_beforeunload": true,
    },
};

const ended = new Set();

/** Ends everything that was started, latest first; given to `after` of a test. */
export async function tidy() {
    for (const end of [...ended].reverse()) await end().catch(() => {});
    ended.clear();
}

/** Ends something with the test. */
export function onTidy(end) {
    ended.add(end);
    return end;
}

/** A folder that goes with the test. */
export async function folder() {
    const path = await mkdtemp(join(tmpdir(), "quorum-"));
    onTidy(() => rm(path, { recursive: true, force: true }));
    return path;
}

/** A program whose lines of standard output are listened to. */
class Program {
    constructor(path, args, env = {}) {
        this.lines = [];
        this.complaints = "";
        this.child = spawn(path, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
        this.child.stderr.on("data", (text) => (this.complaints += text));
        createInterface({ input: this.child.stdout }).on("line", (line) => this.lines.push(line));
        this.child.on("close", () => (this.silent = true));
        this.over = once(this.child, "exit").catch((error) => (this.complaints += error.message));
        this.end = onTidy(() => this.kill());
    }

    async kill(signal = "SIGKILL") {
        if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
        await this.over;
        ended.delete(this.end);
    }

    /** The last line in which `find` finds something. */
    async until(what, find) {
        return until(what, () => {
            for (const line of [...this.lines].reverse()) {
                const found = find(line);
                if (found !== undefined) return found;
            }
            if (this.silent) throw new Error(`${what} never came: the program ended; ${this.complaints}`);
        }, () => this.complaints);
    }
}

/** Asks again and again until there is an answer. */
export async function until(what, ask, excuse = () => "") {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
        const answer = await ask();
        if (answer !== undefined && answer !== false && answer !== null) return answer;
        if (Date.now() > deadline) throw new Error(`waited for ${what}; ${await excuse()}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
}

/** The host program, with the pages and the files of strokes that tests draw. */
export class Host extends Program {
    static async start(args = [], strokes = {}) {
        const pages = await folder();
        await cp(QUORUM_PAGES, pages, { recursive: true });
        await mkdir(join(pages, "strokes"));
        for (const [name, list] of Object.entries(strokes)) {
            await writeFile(join(pages, "strokes", `${name}.json`), JSON.stringify(list));
        }
        const host = new Host(QUORUM_HOST, ["--pages", pages, "--listen", "127.0.0.1:0", ...args]);
        host.folder = pages;
        host.url = await host.until("its address", (line) => line.match(/http:\/\/[^\s/]+/)?.[0]);
        return host;
    }

    /** Changes a page; its compressed forms, which would go out in its place, are taken away. */
    async change(page, from, to) {
        const path = join(this.folder, page);
        const text = await readFile(path, "utf8");
        assert.ok(text.includes(from), `${page} has ${from}`);
        await writeFile(path, text.replace(from, to));
        for (const form of ["br", "gz"]) await rm(`${path}.${form}`, { force: true });
    }

    /** A file of strokes. */
    file(name) {
        return join(this.folder, "strokes", `${name}.json`);
    }
}

/** Kills the process that runs a page, as a crash would; Chromium alone can be asked to. */
export async function crash(page) {
    const session = await page.createCDPSession();
    const gone = new Promise((resolve) => page.once("error", resolve));
    // It is never answered: who would answer is gone.
    session.send("Page.crash").catch(() => {});
    await gone;
}

/** A native whiteboard that tells how it stands. */
export class Native extends Program {
    static start(args, env) {
        return new Native(QUORUM_WHITEBOARD, ["--status-json", ...args], env);
    }

    wait(what, wished) {
        return this.until(what, (line) => {
            const status = line.startsWith("{") ? JSON.parse(line) : undefined;
            return status && wished(status) ? status : undefined;
        });
    }

    /** The link for the others. */
    link() {
        return this.until("its link", (line) => line.match(/^invite: (\S+)/)?.[1]);
    }

    async status() {
        const line = [...this.lines].reverse().find((line) => line.startsWith("{"));
        return line && JSON.parse(line);
    }
}

/** A display for browsers and windows that nobody looks at. */
export async function display() {
    const server = spawn("Xvfb", ["-displayfd", "3", "-screen", "0", "1600x1000x24", "-nolisten", "tcp"], {
        stdio: ["ignore", "ignore", "ignore", "pipe"],
    });
    onTidy(async () => server.kill());
    const [number] = await once(server.stdio[3], "data");
    return `:${String(number).trim()}`;
}

export async function chromium(options = {}) {
    return launch({ ...CHROMIUM, ...options, args: [...CHROMIUM.args, ...(options.args ?? [])] });
}

/** Firefox gives a page WebGL only where there is a display, even without a window. */
export async function firefox(preferences = {}) {
    const extraPrefsFirefox = { ...FIREFOX.extraPrefsFirefox, ...preferences };
    return launch({ ...FIREFOX, extraPrefsFirefox, env: { ...process.env, DISPLAY: await display() } });
}

async function launch(options) {
    const browser = await puppeteer.launch({ headless: true, ...options });
    browser.end = onTidy(async () => {
        ended.delete(browser.end);
        // A browser that waits for a page that is stuck would be waited for without end.
        const stuck = setTimeout(() => browser.process()?.kill("SIGKILL"), CLOSING_MS);
        await browser.close();
        clearTimeout(stuck);
    });
    return browser;
}

/** A whiteboard in a page of a browser. */
export class Board {
    /** Small, unless told: the graphics of test machines are software's. */
    static async open(browser, url, { query = "", viewport = { width: 480, height: 320 }, prepare } = {}) {
        const page = await browser.newPage();
        await page.setViewport(viewport);
        const board = new Board(page);
        await prepare?.(page);
        await board.go(url, query);
        return board;
    }

    constructor(page) {
        this.page = page;
        this.said = [];
        /** The kinds of questions that the browser asked; all are answered with yes. */
        this.asked = [];
        page.on("console", (message) => this.said.push(message.text()));
        page.on("pageerror", (error) => this.said.push(String(error)));
        page.on("dialog", (dialog) => {
            this.asked.push(dialog.type());
            dialog.accept().catch(() => {});
        });
    }

    async go(url, query = "") {
        const [path, hash = ""] = url.split("#");
        const address = new URL("/whiteboard/", path);
        await this.page.goto(`${address}?status-json${query}${hash && `#${hash}`}`);
    }

    async status() {
        const line = await this.page.evaluate(() => document.documentElement.dataset.status);
        return line ? JSON.parse(line) : undefined;
    }

    /** How consensus stands at this moment, whether the page draws frames or not: without strokes and digest. */
    async consensus() {
        return JSON.parse(await this.page.evaluate(() => window.whiteboard.status()));
    }

    /** Draws strokes at once, whether the page draws frames or not. */
    async draw(list) {
        return this.page.evaluate((json) => window.whiteboard.draw(json), JSON.stringify(list));
    }

    /** Puts another tab in front of the page, for as long as that tab is there. */
    async hide() {
        const front = await this.page.browserContext().newPage();
        await front.bringToFront();
        await until("the page to be hidden", () => this.page.evaluate(() => document.visibilityState === "hidden"));
        return front;
    }

    /** The status, once it is as wished; a picture of the page and its console if that doesn't come. */
    async wait(what, wished) {
        let last;
        const ask = async () => ((last = await this.status()) && wished(last) ? last : undefined);
        return until(what, ask, async () => {
            const picture = await this.picture(what).catch((error) => error.message);
            return `last: ${JSON.stringify(last)}; seen: ${picture}; said: ${this.said.slice(-20).join("\n")}`;
        });
    }

    /** The link in the address bar, once it is there. */
    async link() {
        return until("a link", async () => {
            const { origin, hash } = new URL(this.page.url());
            const shown = hash || (await this.page.evaluate(() => location.hash));
            return shown.length > 1 ? `${origin}/${shown}` : undefined;
        });
    }

    /** Draws a line with the mouse, where a small window has no panels. */
    async drawLine(top) {
        const { mouse } = this.page;
        await mouse.move(40, top);
        await mouse.down();
        for (let step = 1; step < 8; step++) await mouse.move(40 + step * 14, top + Math.sin(step) * 12);
        await mouse.up();
    }

    /** Saves what the page looks like, and says where. */
    async picture(name) {
        await mkdir(QUORUM_PICTURES, { recursive: true });
        const path = join(QUORUM_PICTURES, `${name.replace(/\W+/g, "-")}.png`);
        await this.page.screenshot({ path });
        return path;
    }
}

/** A page that tells a story, of those in `tests/browser_stories`. */
export class Story {
    static async begin(context, url, name, prepare) {
        const page = await context.newPage();
        const story = new Story(page);
        await prepare?.(page);
        page.on("console", (message) => story.said.push(message.text()));
        await page.goto(`${url}/browser_stories/?story=${name}`);
        return story;
    }

    constructor(page) {
        this.page = page;
        this.said = [];
    }

    /** What it told under this name so far. */
    told(name) {
        return this.page.evaluate((name) => document.documentElement.getAttribute(`data-${name}`), name);
    }

    /** The same, once it did; a story that panicked never will. */
    tells(name) {
        return until(`${name} of a story`, async () => {
            const told = await this.told(name);
            const panic = this.said.find((line) => line.includes("panicked"));
            assert.equal(panic, undefined);
            return told === null ? undefined : { told };
        }, () => this.said.join("\n")).then(({ told }) => told);
    }
}

/** `count` strokes that differ from each other, and from those of every other hand. */
export function strokes(hand, count) {
    return Array.from({ length: count }, (_, number) => {
        const [left, top] = [(number % 60) * 21, Math.floor(number / 60) * 22 + hand * 200];
        const points = Array.from({ length: 12 }, (_, step) => [left + step, top + Math.sin(step * 0.9 + hand) * 6 + 10]);
        return { color: ["#1971c2", "#e03131", "#2f9e44", "#f08c00"][hand % 4], width: 2, points };
    });
}

/** Waits until all have settled everything and show the same board with so many strokes. */
export async function agreed(count, ...everybody) {
    return until(`${count} strokes on every board`, async () => {
        const all = await Promise.all(everybody.map((one) => one.status()));
        const [first] = all;
        const same = all.every((one) => one?.pending === 0 && one.strokes === count && one.digest === first.digest);
        return same ? first : undefined;
    }, async () => JSON.stringify(await Promise.all(everybody.map((one) => one.status()))));
}
