import type { Ref } from '../api/ref.ts';
import { Failure } from '../api/reasons.ts';
import type { NamedRef } from '../api/values.ts';
import { parseTemplate, type Template } from '../template/parse.ts';
import { render } from '../template/render.ts';
import { TemplateError } from '../template/template-error.ts';
import type { Budget } from './budget.ts';
import type { InPieces } from './in-pieces.ts';
import { isObject, type Node } from './node.ts';
import type { Resolver } from './resolver.ts';

/** The values that the templates of one resource use, and what comes of these. They see nothing else. */
export class TemplateValues {
  readonly #resolver: Resolver;
  readonly #budget: Budget;
  readonly #values = new Map<string, { readonly ref: Ref; readonly where: string; readonly node: Node }>();

  constructor(resolver: Resolver, budget: Budget) {
    this.#resolver = resolver;
    this.#budget = budget;
  }

  /** Finds a value, used or not. `where`: its ref's place in the resource. */
  *add({ name, ref }: NamedRef, where: string): InPieces<void> {
    const node = yield* this.#resolver.node(ref, where, 'value');
    this.#values.set(name, { ref, where, node });
  }

  /**
   * What a template gives. `where`: its place in the resource.
   * @throws Failure `TemplateFailed`, which names what is missing, or of the budget
   */
  *render(text: string, where: string): InPieces<string> {
    const template = parseTemplate(text);
    const objects = yield* this.#objectsIn(template);
    // Each in a piece of its own.
    yield;
    const budget = this.#budget;
    const meter = {
      take: (characters: number): void => budget.take('characters', characters, where),
      left: (): number => budget.left('characters'),
    };
    const find = ([name, ...members]: readonly string[]): string | undefined => {
      const node =
        members.length === 0 ? this.#values.get(name!)!.node : memberOf(objects.get(name!)!, members);
      return node === undefined ? undefined : this.#resolver.textOf(node, where);
    };
    try {
      return render(template, find, meter);
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      throw new Failure('TemplateFailed', `${where}: ${error.message}`);
    }
  }

  /** The objects whose members a template names: of a secret that is named alone, the one in it. */
  *#objectsIn(template: Template): InPieces<Map<string, Node>> {
    const objects = new Map<string, Node>();
    for (const part of template) {
      if (typeof part === 'string') continue;
      for (const operand of [part.operand, ...part.steps.map(({ argument }) => argument)]) {
        if (operand === undefined || 'text' in operand || operand.path.length === 1) continue;
        const [name] = operand.path;
        if (objects.has(name!)) continue;
        const { ref, where } = this.#values.get(name!)!;
        objects.set(name!, yield* this.#resolver.node(ref, where, 'members'));
      }
    }
    return objects;
  }
}

/** `undefined`: there is none, or it is null. */
function memberOf(node: Node, members: readonly string[]): Node | undefined {
  let at: Node | undefined = node;
  for (const name of members) at = at !== undefined && isObject(at) ? at.get(name) : undefined;
  return at ?? undefined;
}
