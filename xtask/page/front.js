// An invitation is the part of a link after its `#`, which no server sees: only a script can take it along.
const { first, lead } = document.body.dataset;
if (lead === "always" || location.hash.length > 1) {
    location.replace(`${first}/${location.search}${location.hash}`);
}
