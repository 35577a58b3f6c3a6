import { Chance } from './chance.ts';
import type { Event, Happening } from './event.ts';
import type { Setting } from './setting.ts';

/** A source of events: what comes of it each time, `meanMinutes` apart on average. */
interface Source {
  meanMinutes: number;
  make: (chance: Chance, setting: Setting) => (Happening & { after?: number })[];
}

const SECOND = 1_000;
const between = (chance: Chance, least: number, most: number): number =>
  chance.between(least * SECOND, most * SECOND);
const resourceOf = (chance: Chance, { resources }: Setting): number => chance.between(0, resources);
const nodeOf = (chance: Chance, { agents }: Setting): number => chance.between(0, agents);

/** What goes wrong, or is just done, by default. Each name is a stream of chance of its own. */
export const SOURCES: Record<string, Source> = {
  rotations: {
    meanMinutes: 1,
    make: (chance, { secrets }) => [{ do: 'rotate', secret: chance.between(0, secrets) }],
  },
  crashes: {
    meanMinutes: 20,
    make: (chance, setting) => [
      {
        do: 'crash',
        node: nodeOf(chance, setting),
        ms: chance.happens(0.5) ? between(chance, 1, 15) : between(chance, 30, 120),
      },
    ],
  },
  rollouts: {
    meanMinutes: 30,
    make: (chance, setting) => [{ do: 'roll', node: nodeOf(chance, setting), ms: between(chance, 1, 20) }],
  },
  unreadiness: {
    meanMinutes: 8,
    make: (chance, setting) => [{ do: 'unready', node: nodeOf(chance, setting), ms: between(chance, 5, 80) }],
  },
  outagesOfSafe: {
    meanMinutes: 15,
    make: (chance) => [{ do: 'safe', weather: { is: 'away' }, ms: between(chance, 5, 240) }],
  },
  outagesOfTheApi: {
    meanMinutes: 20,
    make: (chance) => [
      {
        do: 'api',
        trouble: { becomes: { status: 503, reason: 'ServiceUnavailable' } },
        ms: between(chance, 1, 30),
      },
    ],
  },
  edits: {
    meanMinutes: 3,
    make: (chance, setting) => {
      const resource = resourceOf(chance, setting);
      return [{ do: 'edit-secret', resource, name: `t${resource}` }];
    },
  },
  deletions: {
    meanMinutes: 3,
    make: (chance, setting) => {
      const resource = resourceOf(chance, setting);
      const gone: Happening & { after?: number } = { do: 'delete-secret', resource, name: `t${resource}` };
      return chance.happens(0.4) ? [gone, { ...gone, after: chance.between(5, 500) }] : [gone];
    },
  },
  renames: {
    meanMinutes: 6,
    make: (chance, setting) => {
      const resource = resourceOf(chance, setting);
      const to = (name: string, after = 0): Happening & { after?: number } => ({
        do: 'change',
        resource,
        spec: { target: { name } },
        after,
      });
      return [to(`x${resource}`), to(`t${resource}`, chance.between(5, 4_000))];
    },
  },
  suspensions: {
    meanMinutes: 8,
    make: (chance, setting) => {
      const resource = resourceOf(chance, setting);
      const rename: (Happening & { after?: number })[] = chance.happens(0.5)
        ? [{ do: 'change', resource, spec: { target: { name: `y${resource}` } } }]
        : [];
      return [
        ...rename,
        { do: 'change', resource, spec: { suspend: true }, after: chance.between(1, 3_000) },
        {
          do: 'change',
          resource,
          spec: { suspend: null, target: { name: `t${resource}` } },
          after: between(chance, 20, 60),
        },
      ];
    },
  },
  swaps: {
    meanMinutes: 15,
    make: (chance, setting) => {
      const resource = chance.between(0, setting.resources - setting.namespaces);
      const other = resource + setting.namespaces;
      const names = (resource: number, name: string, after: number): Happening & { after?: number } => ({
        do: 'change',
        resource,
        spec: { target: { name } },
        after,
      });
      const back = between(chance, 60, 120);
      return [
        names(resource, `t${other}`, 0),
        names(other, `t${resource}`, 0),
        names(resource, `t${resource}`, back),
        names(other, `t${other}`, back),
      ];
    },
  },
  refreshes: {
    meanMinutes: 4,
    make: (chance, setting) => [{ do: 'refresh', resource: resourceOf(chance, setting) }],
  },
  lags: {
    meanMinutes: 5,
    make: (chance) => [
      {
        do: 'lag',
        server: chance.between(0, 2),
        resource: chance.pick(['secrets', 'vsecmsecrets', 'endpointslices'] as const),
        lagMs: between(chance, 1, 20),
        ms: between(chance, 20, 120),
      },
    ],
  },
};

/** A quiet world: secrets change now and then, and nothing else happens. */
export const CALM = ['rotations'];

/** What happens in a world of this seed, in order. */
export function scriptOf(setting: Setting, names: readonly string[] = Object.keys(SOURCES)): Event[] {
  const end = setting.minutes * 60_000;
  const events: Event[] = [];
  for (const name of names) {
    const { meanMinutes, make } = SOURCES[name]!;
    const chance = new Chance(setting.seed, `source ${name}`);
    for (
      let at = 60_000 + chance.wait(meanMinutes * 60_000);
      at < end;
      at += chance.wait(meanMinutes * 60_000)
    ) {
      for (const { after = 0, ...happening } of make(chance, setting))
        events.push({ at: at + after, ...happening } as Event);
    }
  }
  return events.sort((one, other) => one.at - other.at);
}
