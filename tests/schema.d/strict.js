// Holds the committed schemas, and real answers, against Ajv in its strictest mode: what a platform's generator of code
// and its tests would meet. NODE_PATH names where scripts/prerequisites has put Ajv.
//
// strict.js [--open-words] SCHEMAS ANSWERS: ANSWERS has one line per answer, {"schema": NAME, "from": WORDS, "value": ANSWER}.
// With --open-words a word that was added to an enumeration is no mistake: what a program of an older day must bear.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const Ajv = require("ajv/dist/2020").default;
const addFormats = require("ajv-formats").default;

const words = process.argv.slice(2);
const open = words[0] === "--open-words";
const [folder, answers] = open ? words.slice(1) : words;

const widened = (schema) => {
  if (Array.isArray(schema)) return schema.map(widened);
  if (schema === null || typeof schema !== "object") return schema;
  const { enum: _, ...rest } = schema;
  return Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, widened(value)]));
};

const ajv = new Ajv({ strict: true, allErrors: true });
addFormats(ajv);
let wrong = 0;
const complain = (text) => {
  wrong += 1;
  console.log(text.slice(0, 600));
};

// All in one instance: their `$id`s differ, and each can be found by its own.
const schemas = fs.readdirSync(folder).filter((file) => file.endsWith(".json"));
for (const file of schemas) {
  try {
    const written = JSON.parse(fs.readFileSync(path.join(folder, file), "utf8"));
    const schema = open ? widened(written) : written;
    ajv.compile(schema);
    if (ajv.getSchema(schema.$id) === undefined) complain(`${file} is not found by its $id`);
  } catch (error) {
    complain(`${file}: ${error.message}`);
  }
}
const validator = (name) => ajv.getSchema(`urn:dokku-backups:schema:1:${name}`);
for (const line of fs.readFileSync(answers, "utf8").split("\n").filter(Boolean)) {
  const { schema, from, value } = JSON.parse(line);
  const validate = validator(schema);
  if (validate === undefined) complain(`${from}: there is no schema ${schema}`);
  else if (!validate(value)) complain(`${from} is no ${schema}: ${ajv.errorsText(validate.errors)}`);
}
console.log(`${schemas.length} schemas`);
process.exitCode = wrong > 0 ? 1 : 0;
