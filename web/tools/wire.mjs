// Writes src/wire.ts from the JSON Schema the program itself prints (`ruhepol schema`), so that pages and server
// cannot drift apart. A test compares the file with what this would write.
//
//   node tools/wire.mjs [PATH_OF_RUHEPOL]     default: ../target/release/ruhepol

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export function wireTypes(schema) {
  const lines = [
    "// Made from the program's own schema by `npm run wire`; a test fails when it is stale. Do not edit.",
    "",
  ];
  for (const [name, definition] of Object.entries(schema.$defs)) {
    lines.push(...comment(definition, ""), ...declaration(name, definition), "");
  }
  for (const [name, definition] of Object.entries(schema.properties)) {
    if (!definition.$ref) lines.push(...declaration(pascal(name), definition), "");
  }
  return lines.join("\n");
}

function declaration(name, definition) {
  const type = typeOf(definition, "");
  return isPlainObject(definition) ? [`export interface ${name} ${type}`] : [`export type ${name} =${pad(type)};`];
}

const pad = (type) => (type.startsWith("\n") ? type : ` ${type}`);

function isPlainObject(definition) {
  return definition.type === "object" && definition.properties && !definition.oneOf && !definition.anyOf;
}

function typeOf(definition, indent) {
  if (definition === true) return "unknown";
  if (definition.$ref) {
    const reference = definition.$ref.split("/").at(-1);
    return definition.properties ? `${reference} & ${object(definition, indent)}` : reference;
  }
  if ("const" in definition) return JSON.stringify(definition.const);
  if (definition.enum) return definition.enum.map((value) => JSON.stringify(value)).join(" | ");
  const choices = definition.oneOf ?? definition.anyOf;
  if (choices) {
    const list = choices.map((choice) => typeOf(choice, `${indent}  `));
    const short = list.join(" | ");
    const union = short.length < 90 && !short.includes("\n") ? short : list.map((type) => `\n${indent}  | ${type}`).join("");
    return definition.properties ? `${object(definition, indent)} & (${union}\n${indent})` : union;
  }
  if (Array.isArray(definition.type)) {
    return definition.type.map((type) => typeOf({ ...definition, type }, indent)).join(" | ");
  }
  switch (definition.type) {
    case "object":
      if (definition.properties) return object(definition, indent);
      return `Record<string, ${typeOf(definition.additionalProperties ?? true, indent)}>`;
    case "array": {
      const item = typeOf(definition.items ?? true, indent);
      return item.includes("|") ? `(${item})[]` : `${item}[]`;
    }
    case "integer":
    case "number":
      return "number";
    case "string":
    case "boolean":
    case "null":
      return definition.type;
    default:
      return "unknown";
  }
}

function object(definition, indent) {
  const required = new Set(definition.required ?? []);
  const fields = Object.entries(definition.properties).flatMap(([name, field]) => [
    ...comment(field, `${indent}  `),
    `${indent}  ${name}${required.has(name) ? "" : "?"}: ${typeOf(field, `${indent}  `).trimStart()};`,
  ]);
  return `{\n${fields.join("\n")}\n${indent}}`;
}

function comment(definition, indent) {
  const text = definition.description?.replaceAll(/\s+/g, " ").replaceAll("*/", "* /").trim();
  return text ? [`${indent}/** ${text} */`] : [];
}

const pascal = (name) => name.replace(/(^|_)([a-z])/g, (_, __, letter) => letter.toUpperCase());

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const program = process.argv[2] ?? fileURLToPath(new URL("../../target/release/ruhepol", import.meta.url));
  const schema = JSON.parse(execFileSync(program, ["schema"], { encoding: "utf8" }));
  writeFileSync(new URL("../src/wire.ts", import.meta.url), wireTypes(schema));
}
