/** What an operation may ask for: checked as soon as it is parsed, before anything walks it whose cost grows faster than its length. */
import {
  getNamedType,
  GraphQLError,
  isCompositeType,
  isListType,
  isNonNullType,
  isObjectType,
  isInterfaceType,
  Kind,
  parse,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLOutputType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type Source,
  type ValueNode,
} from "graphql";

export interface Limits {
  readonly maxTokens: number;
  readonly maxDepth: number;
  readonly maxAliases: number;
  readonly maxCost: number;
}

type Variables = { readonly [name: string]: unknown };

/** A list whose length nothing tells counts as so long. */
const LIST = 10;
const SIZES = ["first", "last", "limit"];

function exceeded(name: keyof Limits, value: number, used: number, sentence: string): GraphQLError {
  const limit = { name, value, used, key: `plugins.graphql.${name}` };
  return new GraphQLError(`${sentence}; plugins.graphql.${name} allows ${value}.`, {
    extensions: { code: "GRAPHQL_LIMIT_EXCEEDED", limit, http: { status: 400, spec: true } },
  });
}

/** @throws GraphQLError for what is no GraphQL, and for what goes beyond a limit. */
export function parseWithin(source: string | Source, limits: Limits): DocumentNode {
  let document: DocumentNode;
  try {
    document = parse(source, { maxTokens: limits.maxTokens });
  } catch (error) {
    if (error instanceof GraphQLError && /^Syntax Error: Document contains more than \d+ tokens/.test(error.message)) {
      throw exceeded("maxTokens", limits.maxTokens, limits.maxTokens + 1, "The operation has too many tokens");
    }
    if (error instanceof RangeError) throw tooDeep();
    // Yoga does the same over HTTP, and only there.
    if (error instanceof GraphQLError) error.extensions["code"] = "GRAPHQL_PARSE_FAILED";
    throw error;
  }
  const fragments = fragmentsOf(document);
  const shape = new Shape(fragments);
  for (const one of document.definitions) {
    const fragment = one.kind === Kind.FRAGMENT_DEFINITION;
    if (!fragment && one.kind !== Kind.OPERATION_DEFINITION) continue;
    // Of the schema's own types; whoever spreads it elsewhere is counted there.
    if (fragment && one.typeCondition.name.value.startsWith("__")) continue;
    const depth = fragment ? shape.spread(one.name.value) : shape.depth(one.selectionSet);
    if (depth > limits.maxDepth) {
      throw exceeded("maxDepth", limits.maxDepth, depth, `The operation is ${depth} fields deep`);
    }
  }
  if (shape.aliases > limits.maxAliases) {
    throw exceeded("maxAliases", limits.maxAliases, shape.aliases, `The operation has ${shape.aliases} aliases`);
  }
  return document;
}

/** What only a limit far above the default lets in: the parser calls itself for each bracket. */
function tooDeep(): GraphQLError {
  return new GraphQLError("Syntax Error: The operation is nested too deeply to be read.", {
    extensions: { code: "GRAPHQL_PARSE_FAILED", http: { status: 400, spec: true } },
  });
}

function fragmentsOf(document: DocumentNode): ReadonlyMap<string, FragmentDefinitionNode> {
  return new Map(
    document.definitions.flatMap((one) =>
      one.kind === Kind.FRAGMENT_DEFINITION ? [[one.name.value, one] as const] : [],
    ),
  );
}

/** Each fragment is walked once, whoever spreads it; one that spreads itself is left to the rule that refuses it. */
class Shape {
  aliases = 0;
  readonly #depths = new Map<string, number>();

  constructor(private readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>) {}

  depth(set: SelectionSetNode): number {
    let most = 0;
    for (const one of set.selections) {
      if (one.kind === Kind.FIELD) {
        if (one.alias !== undefined) this.aliases++;
        // What the schema tells of itself has rules of its own, and no end of ways to nest lists and non-nulls.
        const inner = one.selectionSet && !one.name.value.startsWith("__") ? this.depth(one.selectionSet) : 0;
        most = Math.max(most, 1 + inner);
      } else
        most = Math.max(
          most,
          one.kind === Kind.FRAGMENT_SPREAD ? this.spread(one.name.value) : this.depth(one.selectionSet),
        );
    }
    return most;
  }

  spread(name: string): number {
    const known = this.#depths.get(name);
    if (known !== undefined) return known;
    const fragment = this.fragments.get(name);
    if (fragment === undefined) return 0;
    this.#depths.set(name, 0);
    const depth = this.depth(fragment.selectionSet);
    this.#depths.set(name, depth);
    return depth;
  }
}

/** Throws when a valid operation could cost more: a field is 1, and what is within a list counts as often as the list may be long. */
export function wantCost(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Variables,
  { maxCost }: Limits,
): void {
  const type = schema.getRootType(operation.operation);
  if (!type) return;
  const cost = new Cost(schema, fragmentsOf(document), withDefaults(operation, variables)).of(
    operation.selectionSet,
    type.name,
  );
  if (cost > maxCost) throw exceeded("maxCost", maxCost, cost, `The operation may cost ${cost} fields`);
}

class Cost {
  readonly #fragments = new Map<string, number>();

  constructor(
    private readonly schema: GraphQLSchema,
    private readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>,
    private readonly variables: Variables,
  ) {}

  of(set: SelectionSetNode, type: string): number {
    let sum = 0;
    for (const one of set.selections) {
      if (one.kind === Kind.FIELD) sum += this.#field(one, type);
      else if (one.kind === Kind.INLINE_FRAGMENT)
        sum += this.of(one.selectionSet, one.typeCondition?.name.value ?? type);
      else sum += this.#spread(one.name.value);
    }
    return sum;
  }

  #spread(name: string): number {
    const known = this.#fragments.get(name);
    if (known !== undefined) return known;
    const fragment = this.fragments.get(name);
    if (fragment === undefined) return 0;
    const cost = this.of(fragment.selectionSet, fragment.typeCondition.name.value);
    this.#fragments.set(name, cost);
    return cost;
  }

  #field(node: FieldNode, parent: string): number {
    const type = this.schema.getType(parent);
    const field = isObjectType(type) || isInterfaceType(type) ? type.getFields()[node.name.value] : undefined;
    if (node.selectionSet === undefined || field === undefined) return 1;
    const inner = getNamedType(field.type);
    if (!isCompositeType(inner)) return 1;
    return 1 + this.of(node.selectionSet, inner.name) * this.#times(node, field);
  }

  #times(node: FieldNode, field: GraphQLField<unknown, unknown>): number {
    const lists = listsIn(field.type);
    if (lists === 0) return 1;
    return Math.max(1, this.#size(node, field) ?? LIST) * LIST ** (lists - 1);
  }

  /** The largest that its arguments tell. */
  #size(node: FieldNode, field: GraphQLField<unknown, unknown>): number | undefined {
    let most: number | undefined;
    for (const arg of field.args) {
      if (!SIZES.includes(arg.name)) continue;
      const value = node.arguments?.find((one) => one.name.value === arg.name)?.value;
      const given: unknown = value?.kind === Kind.VARIABLE ? this.variables[value.name.value] : numberOf(value);
      const size = typeof given === "number" ? given : defaultOf(arg);
      if (size !== undefined) most = Math.max(most ?? size, size);
    }
    return most;
  }
}

function numberOf(node: ValueNode | undefined): number | undefined {
  return node?.kind === Kind.INT || node?.kind === Kind.FLOAT ? Number(node.value) : undefined;
}

/** What the schema says, in SDL as in code. */
function defaultOf({ default: given }: GraphQLArgument): number | undefined {
  if (given?.literal !== undefined) return numberOf(given.literal);
  return typeof given?.value === "number" ? given.value : undefined;
}

/** What the operation says of its variables where the client says nothing. */
function withDefaults(operation: OperationDefinitionNode, variables: Variables): Variables {
  const defaults = (operation.variableDefinitions ?? []).map(({ variable, defaultValue }) => [
    variable.name.value,
    numberOf(defaultValue),
  ]);
  return { ...Object.fromEntries(defaults), ...variables };
}

function listsIn(type: GraphQLOutputType): number {
  if (isNonNullType(type)) return listsIn(type.ofType as GraphQLOutputType);
  return isListType(type) ? 1 + listsIn(type.ofType as GraphQLOutputType) : 0;
}
