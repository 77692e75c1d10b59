/** Tells a classic script (no import, no export) from a module, and finds the names that its handlers go by. */
import type { Pattern, Program, Statement } from "acorn";
import { parse } from "acorn";

export type ScriptLoader = "ts" | "tsx" | "js" | "jsx";

/** The top-level names of a classic script; null for a module, and for what does not parse (the bundler says why). */
export function classicNames(source: string, loader: ScriptLoader): string[] | null {
  let plain: string;
  try {
    // `macro: false` is missing in the types: without it the transpiler would run macros.
    const options = { loader, target: "browser", macro: false, trimUnusedImports: false, deadCodeElimination: false };
    const transpiler = new Bun.Transpiler(options as unknown as Bun.TranspilerOptions);
    const { imports, exports } = transpiler.scan(source);
    if (exports.length > 0 || imports.some((one) => one.kind === "import-statement")) return null;
    plain = transpiler.transformSync(source);
  } catch {
    return null; // a syntax error: the bundler reports it with its position
  }
  let program: Program;
  try {
    program = parse(plain, { ecmaVersion: "latest", sourceType: "script", allowHashBang: true });
  } catch {
    return null; // `export {}`, top-level await, `import.meta`: only a module may have them
  }
  const names = new Set<string>();
  for (const statement of program.body) addDeclared(statement as Statement, names, true);
  return [...names];
}

/** `var` is seen through blocks, as the language does; all else counts at the top only. */
function addDeclared(statement: Statement | null | undefined, names: Set<string>, top: boolean): void {
  if (!statement) return;
  const inner = (one: Statement | null | undefined): void => addDeclared(one, names, false);
  switch (statement.type) {
    case "FunctionDeclaration":
    case "ClassDeclaration":
      if (top) names.add(statement.id.name);
      return;
    case "VariableDeclaration":
      if (top || statement.kind === "var") for (const one of statement.declarations) addPattern(one.id, names);
      return;
    case "IfStatement":
      inner(statement.consequent);
      return inner(statement.alternate);
    case "ForStatement":
      if (statement.init?.type === "VariableDeclaration") inner(statement.init);
      return inner(statement.body);
    case "ForInStatement":
    case "ForOfStatement":
      if (statement.left.type === "VariableDeclaration") inner(statement.left);
      return inner(statement.body);
    case "WhileStatement":
    case "DoWhileStatement":
    case "LabeledStatement":
      return inner(statement.body);
    case "BlockStatement":
      return statement.body.forEach(inner);
    case "TryStatement":
      inner(statement.block);
      inner(statement.handler?.body);
      return inner(statement.finalizer);
    case "SwitchStatement":
      for (const one of statement.cases) one.consequent.forEach(inner);
      return;
    default:
      return;
  }
}

function addPattern(pattern: Pattern | null, names: Set<string>): void {
  if (!pattern) return;
  switch (pattern.type) {
    case "Identifier":
      names.add(pattern.name);
      return;
    case "ObjectPattern":
      for (const one of pattern.properties) addPattern(one.type === "RestElement" ? one.argument : one.value, names);
      return;
    case "ArrayPattern":
      for (const one of pattern.elements) addPattern(one, names);
      return;
    case "RestElement":
      return addPattern(pattern.argument, names);
    case "AssignmentPattern":
      return addPattern(pattern.left, names);
    default:
      return;
  }
}

/** The line that hands the names to the realm; it comes after the author's last line, so the map stays right. */
export function exposeLine(names: readonly string[]): string {
  return names.length === 0 ? "" : `\n;expose({ ${names.join(", ")} });`;
}
