/** How the page reads JSON Schemas of the document: as types, as notes beside them, and as a value that fits. */
globalThis.readSchemas = (api) => {
  return { resolve, typeOf, notesOf, sampleOf };

  function resolve(value, from = api) {
    const { $ref } = value ?? {};
    if (typeof $ref !== "string" || !$ref.startsWith("#/")) return value;
    return (
      $ref
        .slice(2)
        .split("/")
        .reduce((at, key) => (at && Object.hasOwn(at, key) ? at[key] : undefined), from) ?? {}
    );
  }

  /** A schema as one would write the type, with what else it asks for beside it. */
  function typeOf(schema, indent = "", open = []) {
    if (schema === undefined || typeof schema === "boolean") return schema === false ? "nothing" : "anything";
    if (open.length > 20) return "…";
    if (schema.$ref) {
      if (open.includes(schema.$ref)) return "(the same again)";
      return typeOf(resolve(schema), indent, [...open, schema.$ref]);
    }
    const inner = (one, at = indent) => typeOf(one, at, [...open, ""]);
    if ("const" in schema) return JSON.stringify(schema.const);
    if (Array.isArray(schema.enum)) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
    if (schema.anyOf ?? schema.oneOf) return (schema.anyOf ?? schema.oneOf).map((one) => inner(one)).join(" | ");
    if (schema.allOf) return schema.allOf.map((one) => inner(one)).join(" & ");
    if (schema.prefixItems) return `[${schema.prefixItems.map((one) => inner(one)).join(", ")}]`;
    if (schema.type === "array") {
      const item = schema.items === undefined ? "anything" : inner(schema.items);
      return / [|&] /.test(item) && !item.includes("\n") ? `(${item})[]` : `${item}[]`;
    }
    if (schema.type !== "object") return [schema.type ?? "anything"].flat().join(" | ");
    const deeper = `${indent}  `;
    const fields = Object.entries(schema.properties ?? {}).map(([name, one]) => {
      const mark = schema.required?.includes(name) ? "" : "?";
      const notes = [one?.description, notesOf(one)].filter(Boolean).join("; ");
      return `${deeper}${/^\w+$/.test(name) ? name : JSON.stringify(name)}${mark}: ${inner(one, deeper)}${notes ? `  // ${notes}` : ""}`;
    });
    if (typeof schema.additionalProperties === "object")
      fields.push(`${deeper}[name]: ${inner(schema.additionalProperties, deeper)}`);
    return fields.length === 0 ? "{}" : `{\n${fields.join("\n")}\n${indent}}`;
  }

  function notesOf(schema) {
    if (typeof schema !== "object") return "";
    const { minimum, maximum, minLength, maxLength, minItems, maxItems, format, pattern } = schema;
    const between = (least, most, what) =>
      least === undefined && most === undefined
        ? undefined
        : `${what}${least ?? ""}${least === most ? "" : least === undefined ? `at most ${most}` : most === undefined ? " or more" : ` to ${most}`}`;
    return [
      between(minimum, maximum, ""),
      schema.exclusiveMinimum === undefined ? undefined : `above ${schema.exclusiveMinimum}`,
      schema.exclusiveMaximum === undefined ? undefined : `below ${schema.exclusiveMaximum}`,
      between(minLength, maxLength, "length "),
      between(minItems, maxItems, "items: "),
      format,
      pattern === undefined ? undefined : pattern.length > 60 ? "a long pattern" : `/${pattern}/`,
      "default" in schema ? `default ${JSON.stringify(schema.default)}` : undefined,
    ]
      .filter((note) => note !== undefined)
      .join(", ");
  }

  /** Something that fits, to start from. */
  function sampleOf(schema, depth = 0) {
    const one = resolve(schema);
    if (typeof one !== "object" || one === null || depth > 6) return null;
    if ("default" in one) return one.default;
    if ("const" in one) return one.const;
    if (Array.isArray(one.enum)) return one.enum[0];
    const some = one.anyOf ?? one.oneOf ?? one.allOf;
    if (Array.isArray(some)) return sampleOf(some[0], depth + 1);
    if (one.type === "object") {
      const required = Object.entries(one.properties ?? {}).filter(([name]) => one.required?.includes(name));
      return Object.fromEntries(required.map(([name, own]) => [name, sampleOf(own, depth + 1)]));
    }
    if (one.type === "array") return one.items && one.minItems > 0 ? [sampleOf(one.items, depth + 1)] : [];
    if (one.type === "string") return "text".padEnd(Math.min(one.minLength ?? 0, 1000), "x").slice(0, one.maxLength);
    if (one.type === "integer" || one.type === "number") return one.minimum ?? (one.exclusiveMinimum ?? -1) + 1;
    return one.type === "boolean" ? true : null;
  }
};
