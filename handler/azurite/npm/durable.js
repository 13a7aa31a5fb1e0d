// Loaded before an Azurite that keeps its data in a folder. Azurite writes its
// tables, such as the list of all blobs, every five seconds. One that is killed
// would lose what it has confirmed since then. Here they are written before a
// change is confirmed. Changes that come meanwhile are written together, next.
const fs = require("fs/promises");
const http = require("http");
const Loki = require("lokijs");
const FSExtentStore = require("azurite/dist/src/common/persistence/FSExtentStore").default;

// The tables of the three services. Loki calls autosaveEnable for each at its start.
const tables = new Set();
Loki.prototype.autosaveEnable = function () {
  this.autosave = true;
  tables.add(this);
};

// Documents are made text once for each of their revisions: a table has one for each
// blob, and few have changed since it was written last.
const known = new WeakMap();
function textOf(document) {
  const version = `${document.$loki} ${document.meta.revision} ${document.meta.updated}`;
  let text = known.get(document);
  if (text?.version !== version) {
    text = { version, json: JSON.stringify(document) };
    known.set(document, text);
  }
  return text.json;
}

// serialize returns what Loki's serialize does. The long lists of a table are made text
// by themselves, and put in where \0 and their number stand.
function serialize(table) {
  const lists = [];
  const json = JSON.stringify(table, function (key, value) {
    if (!Array.isArray(value) || !["data", "idIndex", "values"].includes(key)) return table.serializeReplacer(key, value);
    return "\0" + (lists.push(key === "data" ? value.map(textOf) : value) - 1);
  });
  return json.replace(/"\\u0000(\d+)"/g, (_, i) => "[" + lists[i].join(",") + "]");
}

// write writes the tables that have changed, all as they are now. Those of the
// content's files come first: a blob whose content has no file could not be read.
async function write() {
  const changed = [...tables].filter((t) => t.autosaveDirty());
  changed.sort((a, b) => b.filename.includes("extent") - a.filename.includes("extent"));
  const texts = changed.map((t) => {
    t.autosaveClearFlags();
    return serialize(t);
  });
  try {
    for (const [i, t] of changed.entries()) {
      await fs.writeFile(t.filename + ".new", texts[i]);
      await fs.rename(t.filename + ".new", t.filename);
    }
  } catch (err) {
    changed.forEach((t) => t.collections.forEach((c) => (c.dirty = true)));
    throw err;
  }
}

let running = Promise.resolve(); // the write that has begun
let next; // the one after it
// written returns a promise that resolves when a write has ended that began after
// this call.
function written() {
  next ??= running.then(() => {
    const now = write();
    running = now.catch(() => {});
    next = undefined;
    return now;
  });
  return next;
}

const end = http.ServerResponse.prototype.end;
http.ServerResponse.prototype.end = function (...args) {
  if (["GET", "HEAD", "OPTIONS"].includes(this.req?.method)) return end.apply(this, args);
  written().then(
    () => end.apply(this, args),
    (err) => {
      console.error(`the change is not kept: ${err.message}`);
      if (this.headersSent) return this.destroy(err);
      this.statusCode = 500;
      this.getHeaderNames().forEach((name) => this.removeHeader(name));
      end.call(this);
    },
  );
  return this;
};

// A file of content is deleted when no table that was written refers to it.
const deleteExtents = FSExtentStore.prototype.deleteExtents;
FSExtentStore.prototype.deleteExtents = async function (...args) {
  await written();
  return deleteExtents.apply(this, args);
};

Loki.prototype.close = function (callback) {
  written().then(() => callback?.(), callback);
};
