/** The mutants of a source file: small faults, one each, that a test should notice. */
import ts from "typescript";

export interface Mutant {
  /** What stands there now, from `start` up to `end`, and what takes its place. */
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** Counted from 1. */
  readonly line: number;
  readonly was: string;
}

type Fault = readonly [node: ts.Node, text: string];

const OPERATORS: Readonly<Record<string, readonly string[]>> = {
  "===": ["!=="],
  "!==": ["==="],
  "<": ["<=", ">="],
  "<=": ["<", ">"],
  ">": [">=", "<="],
  ">=": [">", "<"],
  "&&": ["||"],
  "||": ["&&"],
  "??": ["&&"],
  "+": ["-"],
  "-": ["+"],
  "*": ["/"],
  "/": ["*"],
  "%": ["*"],
  "+=": ["-="],
  "-=": ["+="],
  "??=": ["="],
};

/** A method and what is called in its place; nothing: the call goes, and its object stays. */
const METHODS: Readonly<Record<string, string>> = {
  startsWith: "endsWith",
  endsWith: "startsWith",
  some: "every",
  every: "some",
  min: "max",
  max: "min",
  toLowerCase: "toUpperCase",
  toUpperCase: "toLowerCase",
  filter: "",
  slice: "",
  sort: "",
  reverse: "",
  trim: "",
};

/** The same source gives the same mutants in the same order. */
export function mutantsOf(source: string): readonly Mutant[] {
  const file = ts.createSourceFile("mutated.ts", source, ts.ScriptTarget.Latest, true);
  const found: Mutant[] = [];
  const visit = (node: ts.Node): void => {
    if (isUnseen(node)) return;
    for (const [place, text] of faultsAt(node)) {
      const start = place.getStart(file);
      const was = source.slice(start, place.end);
      if (was === text) continue;
      const line = file.getLineAndCharacterOfPosition(start).line + 1;
      found.push({ start, end: place.end, text, line, was });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

export function applied(source: string, { start, end, text }: Mutant): string {
  return source.slice(0, start) + text + source.slice(end);
}

/** Gone when the program runs, or nothing that a test could tell from outside. */
function isUnseen(node: ts.Node): boolean {
  return (
    ts.isTypeNode(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isImportDeclaration(node) ||
    ts.isExportDeclaration(node)
  );
}

function faultsAt(node: ts.Node): readonly Fault[] {
  if (ts.isBinaryExpression(node)) return operatorFaults(node);
  if (ts.isPrefixUnaryExpression(node)) return unaryFaults(node);
  if (ts.isPostfixUnaryExpression(node)) return [[node, swapped(node.getText())]];
  if (ts.isIfStatement(node)) return conditionFaults(node.expression);
  if (ts.isConditionalExpression(node)) return conditionFaults(node.condition);
  // A loop without an end would only be waited for.
  if (ts.isWhileStatement(node) || ts.isDoStatement(node)) return [[node.expression, "false"]];
  if (ts.isForStatement(node)) return node.condition ? [[node.condition, "false"]] : [];
  if (ts.isBlock(node)) return node.statements.length > 0 ? [[node, "{}"]] : [];
  if (ts.isExpressionStatement(node)) return [[node, ";"]];
  if (ts.isArrowFunction(node)) return ts.isBlock(node.body) ? [] : [[node.body, "undefined"]];
  if (ts.isCallExpression(node)) return callFaults(node);
  if (ts.isPropertyAccessExpression(node)) {
    return node.questionDotToken ? [[node, `${node.expression.getText()}.${node.name.text}`]] : [];
  }
  return literalFaults(node);
}

function operatorFaults(node: ts.BinaryExpression): readonly Fault[] {
  const texts = OPERATORS[node.operatorToken.getText()] ?? [];
  // Texts are joined with `+`, too; without one it is a number, and nobody writes the fault.
  if (node.operatorToken.kind === ts.SyntaxKind.PlusToken && [node.left, node.right].some(isText)) return [];
  return texts.map((text) => [node.operatorToken, text]);
}

function isText(node: ts.Node): boolean {
  return ts.isStringLiteralLike(node) || ts.isTemplateExpression(node);
}

function unaryFaults(node: ts.PrefixUnaryExpression): readonly Fault[] {
  if (node.operator === ts.SyntaxKind.ExclamationToken) return [[node, node.operand.getText()]];
  if (node.operator === ts.SyntaxKind.MinusToken) return [[node, node.operand.getText()]];
  return [[node, swapped(node.getText())]];
}

function swapped(text: string): string {
  return text.includes("++") ? text.replace("++", "--") : text.replace("--", "++");
}

function conditionFaults(condition: ts.Expression): readonly Fault[] {
  return [
    [condition, "true"],
    [condition, "false"],
  ];
}

function callFaults(node: ts.CallExpression): readonly Fault[] {
  const { expression } = node;
  if (!ts.isPropertyAccessExpression(expression)) return [];
  const other = Object.hasOwn(METHODS, expression.name.text) ? METHODS[expression.name.text] : undefined;
  if (other === undefined) return [];
  return other === "" ? [[node, expression.expression.getText()]] : [[expression.name, other]];
}

function literalFaults(node: ts.Node): readonly Fault[] {
  if (ts.isStringLiteral(node)) return isName(node) ? [] : [[node, node.text === "" ? '"mutant"' : '""']];
  if (ts.isNoSubstitutionTemplateLiteral(node)) return [[node, node.text === "" ? '"mutant"' : '""']];
  if (ts.isTemplateExpression(node)) return [[node, '""']];
  if (ts.isNumericLiteral(node)) return [[node, String(Number(node.text.replaceAll("_", "")) + 1)]];
  if (node.kind === ts.SyntaxKind.TrueKeyword) return [[node, "false"]];
  if (node.kind === ts.SyntaxKind.FalseKeyword) return [[node, "true"]];
  if (ts.isArrayLiteralExpression(node)) return node.elements.length > 0 ? [[node, "[]"]] : [];
  if (ts.isObjectLiteralExpression(node)) return node.properties.length > 0 ? [[node, "({})"]] : [];
  if (ts.isRegularExpressionLiteral(node)) return patternFaults(node);
  return [];
}

function isName(node: ts.StringLiteral): boolean {
  return ts.isPropertyAssignment(node.parent) && node.parent.name === node;
}

/** Without its anchors, and of what may come more than once just one. */
function patternFaults(node: ts.RegularExpressionLiteral): readonly Fault[] {
  const { text } = node;
  const changed = [
    text.replace(/^\/\^/, "/"),
    text.replace(/\$\/([a-z]*)$/, "/$1"),
    text.replace(/(?<!\\)([\])\w])[+*]/, "$1"),
  ];
  return changed.filter((one) => one !== text && !one.startsWith("//")).map((one) => [node, one]);
}
