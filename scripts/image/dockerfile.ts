export interface Instruction {
  /** In capitals. */
  name: string;
  rest: string;
}

export interface BuildStage {
  /** What FROM names, with its arguments put in. */
  from: string;
  /** What later stages call it. */
  name: string | undefined;
  instructions: Instruction[];
}

/**
 * The stages of a Dockerfile, as far as this project's goes: one line an instruction, ARG before the first FROM and
 * within stages, `$NAME`, `${NAME}` and `${NAME:+text}`.
 * @param args as `--build-arg` gives them
 * @throws Error on what is none of that
 */
export function parseDockerfile(text: string, args: Readonly<Record<string, string>> = {}): BuildStage[] {
  const stages: BuildStage[] = [];
  const global = new Map<string, string>();
  let scope = global;
  for (const line of text.split('\n')) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [, name, rest] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
    if (name === undefined || rest === undefined) throw new Error(`Dockerfile: ${line}`);
    if (name === 'ARG') {
      const [argument = '', fallback] = rest.split(/=(.*)/s);
      scope.set(argument, args[argument] ?? unquoted(fallback ?? global.get(argument) ?? ''));
    } else if (name === 'FROM') {
      scope = new Map();
      const [, from = '', , alias] = /^(?:--platform=\S+ )?(\S+)( AS (\S+))?$/.exec(rest) ?? [];
      stages.push({ from: expand(from, global), name: alias, instructions: [] });
    } else {
      // The shell of RUN expands by itself.
      const expanded = name === 'RUN' ? rest : expand(rest, scope);
      stages.at(-1)?.instructions.push({ name, rest: expanded });
    }
  }
  return stages;
}

function expand(text: string, scope: ReadonlyMap<string, string>): string {
  return text
    .replaceAll(/\$\{(\w+):\+((?:\$\w+|[^}])*)\}/g, (_, name: string, word: string) =>
      (scope.get(name) ?? '') === '' ? '' : expand(word, scope),
    )
    .replaceAll(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced: string | undefined, plain: string | undefined) => {
      return scope.get(braced ?? plain ?? '') ?? '';
    });
}

const unquoted = (text: string): string => text.replace(/^"(.*)"$/, '$1');
