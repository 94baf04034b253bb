// Loads the app, shows how far that is, and steps aside once the app has drawn.
import { crash, fail, keep, show, watch } from "./failure.js";
import { canConnect, lacking } from "./needs.js";

/** How long an app that never says that it has drawn stays behind the loading screen, in milliseconds. */
const PATIENCE_MS = 30_000;

const page = document.body.dataset;
const ink = document.querySelector("#stroke .ink");
const progress = document.getElementById("progress");

// What the app may tell its page. `fail` ends it; `keep` is a sentence about what survives that, shown with a failure;
// `notice` is one that stays until it is read.
window.quorumPage = Object.freeze({ ready, fail, keep, notice });

watch();
neverZoom();
load();

async function load() {
    const lack = lacking(page.title);
    if (lack) return show(lack);
    if (!canConnect()) {
        notice("You are on your own here: this browser blocks WebRTC, which connects you to the others. " +
            "Allow it in the browser's settings or extensions, or use another browser.");
    }
    const size = Number(page.size);
    draw(0);
    let received = Promise.resolve(0);
    try {
        // The script and the module travel at the same time.
        const script = import(new URL(page.script, document.baseURI));
        script.catch(() => {});
        const response = await fetch(page.module);
        if (!response.ok) throw new Error(`${response.status} for ${response.url}`);
        // The copy is counted. The response itself goes on untouched, so that the browser compiles it while it
        // comes in, and may keep what it compiled.
        received = count(response.clone(), size);
        const app = await script;
        await app.default({ module_or_path: response });
        started();
    } catch (error) {
        if (leavesToTheBrowser(error)) return started();
        explain(error, (await received) < size);
    }
}

/** Reads a body to its end, and shows the way there; resolves to the number of bytes that came. */
async function count(response, size) {
    let received = 0;
    try {
        const reader = response.body.getReader();
        for (let part = await reader.read(); !part.done; part = await reader.read()) {
            received += part.value.length;
            draw(Math.min(received / size, 1));
        }
    } catch (_) {
        // Whoever loads the response itself says what happened.
    }
    return received;
}

function draw(part) {
    const percent = Math.floor(part * 100);
    ink.style.strokeDasharray = `${part * 100} 200`;
    progress.textContent = part < 1 ? `Loading ${percent} %` : "Starting";
    progress.setAttribute("aria-valuenow", percent);
    page.stage = part < 1 ? "loading" : "starting";
}

/** Some loops of events begin by throwing this, so that `main` never returns. */
function leavesToTheBrowser(error) {
    return String(error).includes("Using exceptions for control flow");
}

/** The app runs, but may not have drawn yet. In a tab that nobody sees, it draws nothing: the clock waits too. */
function started() {
    requestAnimationFrame(() => setTimeout(ready, PATIENCE_MS));
}

function ready() {
    page.stage = "running";
}

function explain(error, incomplete) {
    if (incomplete) {
        show({
            title: `${page.title} didn't load completely`,
            words: "The connection broke off, or the server doesn't have what this page asks for.",
            advice: ["Check that you are online, then reload."],
            error,
        });
    } else if (error instanceof WebAssembly.CompileError || error instanceof WebAssembly.LinkError) {
        show({
            title: `${page.title} can't run in this browser`,
            words: "The browser doesn't understand all of the program. It is probably too old.",
            advice: ["Update it, or open this link in a current Chrome, Edge or Firefox."],
            error,
        });
    } else {
        crash(error);
    }
}

/** Shows words in a bar, after those that nobody has read yet. */
function notice(words) {
    const bar = document.getElementById("notice");
    const text = bar.querySelector("p");
    text.textContent = bar.hidden ? words : `${text.textContent} ${words}`;
    bar.querySelector("button").addEventListener("click", () => (bar.hidden = true), { once: true });
    bar.hidden = false;
}

/** Two fingers and the wheel zoom what the app shows, never the page around it. */
function neverZoom() {
    const stop = (event) => event.preventDefault();
    document.addEventListener("gesturestart", stop);
    document.addEventListener("wheel", (event) => event.ctrlKey && stop(event), { passive: false });
}
