// Loaded before Azurite. For each request it parses the URL templates of all operations
// anew, which is a fifth of its work. Here each template is parsed once. There are as many
// as Azurite has operations.
const name = require.resolve("uri-templates");
const parse = require(name);
const parsed = new Map();
require.cache[name].exports = (template) => {
	let t = parsed.get(template);
	if (t === undefined) parsed.set(template, (t = parse(template)));
	return t;
};
