import type { Chance } from './chance.ts';
import type { Happening } from './event.ts';
import type { Setting } from './setting.ts';
import type { Trouble } from './trouble.ts';

/** What happens, some milliseconds after the occasion. */
type Then = Happening & { after?: number };

/** A source of events: what comes of it each time, `meanMinutes` apart on average. */
export interface Source {
  meanMinutes: number;
  make: (chance: Chance, setting: Setting) => Then[];
}

const SECOND = 1_000;
const MINUTE = 60_000;
const seconds = (chance: Chance, least: number, most: number): number =>
  chance.between(least * SECOND, most * SECOND);
const someResource = (chance: Chance, { resources }: Setting): number => chance.between(0, resources);
const someNode = (chance: Chance, { agents }: Setting): number => chance.between(0, agents);
const targeted = (resource: number, name: string, after = 0): Then => ({
  do: 'change',
  resource,
  spec: { target: { name } },
  after,
});
const every = (ms: number, until: number, make: (after: number) => Then): Then[] =>
  Array.from({ length: Math.floor(until / ms) }, (_, index) => make(index * ms));
const droppedAll = ({ agents }: Setting): Then[] =>
  Array.from({ length: agents }, (_, node) => ({ do: 'drop', node }));
const trouble = (trouble: Trouble & { node?: number }, ms: number, after = 0): Then => ({
  do: 'api',
  trouble,
  ms,
  after,
});

/** People and tools, as they treat resources and Secrets. */
const PEOPLE: Record<string, Source> = {
  edits: {
    meanMinutes: 3,
    make(chance, setting) {
      const resource = someResource(chance, setting);
      return [{ do: 'edit-secret', resource, name: `t${resource}` }];
    },
  },
  deletions: {
    meanMinutes: 3,
    make(chance, setting) {
      const resource = someResource(chance, setting);
      const gone: Then = { do: 'delete-secret', resource, name: `t${resource}` };
      return chance.happens(0.4) ? [gone, { ...gone, after: chance.between(5, 500) }] : [gone];
    },
  },
  /** a → b → a while a look is under way. */
  renames: {
    meanMinutes: 5,
    make(chance, setting) {
      const resource = someResource(chance, setting);
      return [
        targeted(resource, `x${resource}`),
        targeted(resource, `t${resource}`, chance.between(5, 4_000)),
      ];
    },
  },
  suspensions: {
    meanMinutes: 6,
    make(chance, setting) {
      const resource = someResource(chance, setting);
      return [
        ...(chance.happens(0.5) ? [targeted(resource, `y${resource}`)] : []),
        { do: 'change', resource, spec: { suspend: true }, after: chance.between(1, 3_000) },
        {
          do: 'change',
          resource,
          spec: { suspend: null, target: { name: `t${resource}` } },
          after: seconds(chance, 20, 60),
        },
      ];
    },
  },
  swaps: {
    meanMinutes: 12,
    make(chance, setting) {
      const resource = chance.between(0, setting.resources - setting.namespaces);
      const other = resource + setting.namespaces;
      const back = seconds(chance, 60, 120);
      return [
        targeted(resource, `t${other}`),
        targeted(other, `t${resource}`),
        targeted(resource, `t${resource}`, back),
        targeted(other, `t${other}`, back),
      ];
    },
  },
  /** One is pointed at another's healthy Secret, and leaves again. */
  usurpers: {
    meanMinutes: 12,
    make(chance, setting) {
      const resource = someResource(chance, setting);
      const { resources, namespaces } = setting;
      return [
        targeted(resource, `t${(resource + namespaces) % resources}`),
        targeted(resource, `t${resource}`, seconds(chance, 20, 90)),
      ];
    },
  },
  refreshes: {
    meanMinutes: 4,
    make: (chance, setting) => [{ do: 'refresh', resource: someResource(chance, setting) }],
  },
  /** `kubectl replace --force`: a successor for the same target; perhaps while Safe is away. */
  replacements: {
    meanMinutes: 10,
    make(chance, setting) {
      const away: Then[] = chance.happens(0.4)
        ? [{ do: 'safe', weather: { is: 'away' }, ms: seconds(chance, 60, 180) }]
        : [];
      const after = away.length > 0 ? 10_000 : 0;
      return [...away, { do: 'replace', resource: someResource(chance, setting), after }];
    },
  },
  departures: {
    meanMinutes: 12,
    make(chance, setting) {
      const resource = someResource(chance, setting);
      const how = chance.pick(['background', 'foreground', 'orphan'] as const);
      return [
        { do: 'delete', resource, how },
        { do: 'create', resource, after: seconds(chance, 1, 60) },
      ];
    },
  },
  /** A tool that writes an annotation every ten seconds, while others edit and delete. */
  annotators: {
    meanMinutes: 25,
    make(chance, setting) {
      const resource = someResource(chance, setting);
      const name = `t${resource}`;
      return [
        ...every(10_000, 8 * MINUTE, (after): Then => ({
          do: 'annotate-secret',
          resource,
          name,
          annotations: { 'example.com/seen': String(after) },
          after,
        })),
        { do: 'edit-secret', resource, name, after: seconds(chance, 120, 240) },
        { do: 'delete-secret', resource, name, after: seconds(chance, 300, 400) },
      ];
    },
  },
  /** A tool that forces its own value again and again. */
  fighters: {
    meanMinutes: 45,
    make(chance, setting) {
      const resource = someResource(chance, setting);
      return every(chance.between(4_000, 20_000), 11 * MINUTE, (after): Then => ({
        do: 'force-fields',
        resource,
        name: `t${resource}`,
        after,
      }));
    },
  },
  /** A Secret of somebody else's, consented to after a while. */
  consents: {
    meanMinutes: 20,
    make(chance, setting) {
      const resource = setting.resources + someResource(chance, setting);
      const name = `t${resource}`;
      const later = seconds(chance, 30, 200);
      return [
        {
          do: 'make-secret',
          resource,
          name,
          data: chance.happens(0.5) ? { a: 'theirs', c: 'theirs' } : { c: 'theirs' },
        },
        { do: 'create', resource, after: 1_000 },
        {
          do: 'annotate-secret',
          resource,
          name,
          annotations: { 'vsecm.com/allow-adoption': 'true' },
          after: later,
        },
        { do: 'delete', resource, how: 'background', after: later + 180_000 },
      ];
    },
  },
  /** Merged with consent; then the consent is withdrawn, the merger leaves, and another wants it for its own. */
  mergers: {
    meanMinutes: 20,
    make(chance, setting) {
      const resource = 2 * setting.resources + someResource(chance, setting);
      const successor = resource + setting.namespaces * setting.resources;
      const name = `m${resource}`;
      const merge = { target: { name, creationPolicy: 'Merge' } };
      return [
        { do: 'create', resource, spec: merge },
        {
          do: 'make-secret',
          resource,
          name,
          data: { c: 'theirs' },
          consent: true,
          after: seconds(chance, 20, 90),
        },
        {
          do: 'annotate-secret',
          resource,
          name,
          annotations: { 'vsecm.com/allow-adoption': null },
          after: 200_000,
        },
        { do: 'delete', resource, how: 'background', after: 220_000 },
        { do: 'create', resource: successor, spec: { target: { name } }, after: 230_000 },
        { do: 'delete', resource: successor, how: 'background', after: 400_000 },
        { do: 'delete-secret', resource, name, after: 410_000 },
      ];
    },
  },
  /** A target that stayed behind under Orphan and was touched is named again while Safe takes its time. */
  returns: {
    meanMinutes: 15,
    make(chance, setting) {
      const resource = someResource(chance, setting);
      const name = `o${resource}`;
      const orphan = { target: { name, creationPolicy: 'Orphan' } };
      const owner = { target: { name: `t${resource}`, creationPolicy: 'Owner' } };
      const back = chance.between(80_000, 86_000);
      return [
        { do: 'change', resource, spec: orphan },
        { do: 'annotate-secret', resource, name, annotations: { 'example.com/note': 'x' }, after: 20_000 },
        { do: 'change', resource, spec: owner, after: 40_000 },
        { do: 'rotate', secret: resource % setting.secrets, after: 79_000 },
        { do: 'safe', weather: { is: 'slow', ms: 4_000 }, ms: 10_000, after: 79_000 },
        { do: 'refresh', resource, after: 80_000 },
        { do: 'change', resource, spec: orphan, after: back },
        { do: 'change', resource, spec: owner, after: back + 60_000 },
        { do: 'delete-secret', resource, name, after: back + 90_000 },
      ];
    },
  },
};

const SAFE: Record<string, Source> = {
  rotations: {
    meanMinutes: 1,
    make: (chance, { secrets }) => [{ do: 'rotate', secret: chance.between(0, secrets) }],
  },
  outagesOfSafe: {
    meanMinutes: 12,
    make: (chance) => [{ do: 'safe', weather: { is: 'away' }, ms: seconds(chance, 5, 240) }],
  },
  longOutagesOfSafe: {
    meanMinutes: 60,
    make: (chance) => [
      {
        do: 'safe',
        weather: chance.pick([{ is: 'away' }, { is: 'hung' }, { is: 'refusing', status: 503 }] as const),
        ms: seconds(chance, 1_100, 1_500),
      },
    ],
  },
  moodsOfSafe: {
    meanMinutes: 8,
    make: (chance) => [
      {
        do: 'safe',
        weather: chance.pick([
          { is: 'slow', ms: 4_000 },
          { is: 'hung' },
          { is: 'broken' },
          { is: 'refusing', status: 400 },
          { is: 'refusing', status: 404 },
          { is: 'refusing', status: 503, retryAfter: '2592000' },
        ] as const),
        ms: seconds(chance, 3, 60),
      },
    ],
  },
  lossesInSafe: {
    meanMinutes: 20,
    make(chance, { secrets }) {
      const secret = chance.between(0, secrets);
      return [
        { do: 'lose-secret', secret },
        { do: 'rotate', secret, after: seconds(chance, 60, 900) },
      ];
    },
  },
  expiries: {
    meanMinutes: 25,
    make(chance, { secrets }) {
      const secret = chance.between(0, secrets);
      return [
        { do: 'rotate', secret, expiresMs: seconds(chance, 60, 300) },
        { do: 'rotate', secret, after: seconds(chance, 400, 1_000) },
      ];
    },
  },
};

const AGENTS: Record<string, Source> = {
  crashes: {
    meanMinutes: 15,
    make: (chance, setting) => [
      {
        do: 'crash',
        node: someNode(chance, setting),
        ms: chance.happens(0.5) ? seconds(chance, 1, 15) : seconds(chance, 30, 120),
      },
    ],
  },
  rollouts: {
    meanMinutes: 25,
    make: (chance, setting) => [{ do: 'roll', node: someNode(chance, setting), ms: seconds(chance, 1, 20) }],
  },
  lostNodes: {
    meanMinutes: 40,
    make: (chance, setting) => [
      { do: 'lose-node', node: someNode(chance, setting), ms: seconds(chance, 20, 400) },
    ],
  },
  freezes: {
    meanMinutes: 20,
    make: (chance, setting) => [
      { do: 'freeze', node: someNode(chance, setting), ms: seconds(chance, 1, 100) },
    ],
  },
  unreadiness: {
    meanMinutes: 6,
    make: (chance, setting) => [
      { do: 'unready', node: someNode(chance, setting), ms: seconds(chance, 5, 80) },
    ],
  },
  identities: {
    meanMinutes: 25,
    make: (chance, setting) => [
      chance.happens(0.7)
        ? { do: 'withdraw', node: someNode(chance, setting), ms: seconds(chance, 1, 60) }
        : { do: 'starve', node: someNode(chance, setting), ms: seconds(chance, 600, 4_000) },
    ],
  },
  clocks: {
    meanMinutes: 30,
    make: (chance, setting) => [
      { do: 'skew', node: someNode(chance, setting), ms: seconds(chance, -600, 600) },
    ],
  },
  /** One agent believes that there is one owner only. */
  disagreements: {
    meanMinutes: 60,
    make(chance, setting) {
      const node = someNode(chance, setting);
      return [
        { do: 'configure', node, maxOwners: 1 },
        { do: 'roll', node, ms: 2_000 },
        { do: 'configure', node, after: 12 * MINUTE },
        { do: 'roll', node, ms: 2_000, after: 12 * MINUTE },
      ];
    },
  },
  /** Two agents that serve the same for minutes, while a secret changes and its Secrets are looked at or lost. */
  duels: {
    meanMinutes: 40,
    make(chance, setting) {
      const node = someNode(chance, setting);
      const resource = someResource(chance, setting);
      const ms = 2 * MINUTE;
      const begin = 60_000;
      return [
        { do: 'configure', node, alone: true },
        { do: 'roll', node, ms: 2_000 },
        ...every(300 + chance.between(0, 500), ms, (after): Then => ({
          do: 'rotate',
          secret: resource % setting.secrets,
          after: begin + after,
        })),
        // Either Secrets are lost, and each makes them anew from its own answer; or both are asked to look, and the
        // way to Safe is longer for one of them.
        ...(chance.happens(0.5)
          ? every(4_500, ms, (after): Then => ({
              do: 'delete-secret',
              resource,
              name: `t${resource}`,
              after: begin + after,
            }))
          : every(1_500, ms, (after): Then => ({ do: 'refresh', resource, after: begin + after })).flatMap(
              (look): Then[] => [
                { do: 'cut', node, what: 'safe', ms: chance.between(200, 900), after: look.after! },
                look,
              ],
            )),
        { do: 'configure', node, after: begin + ms },
        { do: 'roll', node, ms: 2_000, after: begin + ms },
      ];
    },
  },
  /** Requests wait for connections, while what they were for changes, or the process stands still. */
  jams: {
    meanMinutes: 20,
    make(chance, setting) {
      const node = someNode(chance, setting);
      const ms = MINUTE;
      const changes = every(4_000, ms, (after): Then => ({ do: 'jam', node, ms: 4_000, after })).flatMap(
        (jam): Then[] => {
          const resource = someResource(chance, setting);
          const after = jam.after ?? 0;
          const soon = after + chance.between(0, 1_500);
          return [
            jam,
            { do: 'edit-secret', resource, name: `t${resource}`, after },
            { do: 'change', resource, spec: { suspend: true }, after: soon },
            { do: 'change', resource, spec: { suspend: null }, after: soon + 3_000 },
          ];
        },
      );
      const stands = {
        do: 'freeze',
        node,
        ms: seconds(chance, 10, 40),
        after: seconds(chance, 5, 50),
      } as const;
      return chance.happens(0.5) ? [...changes, stands] : changes;
    },
  },
  /** Two owners for a moment, while a secret changes several times a second and both are asked to look. */
  storms: {
    meanMinutes: 15,
    make(chance, setting) {
      const resource = someResource(chance, setting);
      const lag = (server: number): Then => ({
        do: 'lag',
        server,
        resource: 'endpointslices',
        lagMs: 60_000,
        ms: 90_000,
      });
      const begin = 35_000;
      return [
        lag(0),
        lag(1),
        { do: 'unready', node: someNode(chance, setting), ms: seconds(chance, 45, 80) },
        ...every(300 + chance.between(0, 300), 40_000, (after): Then => ({
          do: 'rotate',
          secret: resource % setting.secrets,
          after: begin + after,
        })),
        ...every(1_500, 40_000, (after): Then => ({ do: 'refresh', resource, after: begin + after })),
      ];
    },
  },
};

const API: Record<string, Source> = {
  outagesOfTheApi: {
    meanMinutes: 15,
    make: (chance, setting) => [
      ...(chance.happens(0.5) ? droppedAll(setting) : []),
      trouble({ becomes: { status: 503, reason: 'ServiceUnavailable' } }, seconds(chance, 1, 60)),
    ],
  },
  lags: {
    meanMinutes: 4,
    make: (chance) => [
      {
        do: 'lag',
        server: chance.between(0, 2),
        resource: chance.pick(['secrets', 'vsecmsecrets', 'endpointslices'] as const),
        lagMs: seconds(chance, 1, 20),
        ms: seconds(chance, 20, 120),
      },
    ],
  },
  /** Writes of Secrets are refused for minutes, in one namespace or in all. */
  refusals: {
    meanMinutes: 20,
    make(chance, { namespaces }) {
      const becomes = chance.pick<Trouble['becomes']>([
        { status: 500, reason: 'InternalError' },
        { status: 403, reason: 'Forbidden' },
        { status: 422, reason: 'Invalid' },
        { status: 400, reason: 'BadRequest' },
        { status: 429, reason: 'TooManyRequests', retryAfter: '1' },
      ]);
      const where = chance.happens(0.5) ? { namespace: `ns-${chance.between(0, namespaces)}` } : {};
      return [
        trouble({ verbs: ['patch'], resource: 'secrets', ...where, becomes }, seconds(chance, 60, 700)),
      ];
    },
  },
  /** An absurd Retry-After, and a change of a resource that must not wait for it. */
  absurdities: {
    meanMinutes: 25,
    make(chance, setting) {
      const resource = someResource(chance, setting);
      const becomes = { status: 429, reason: 'TooManyRequests', retryAfter: '2592000' };
      return [
        trouble({ verbs: chance.happens(0.5) ? ['patch'] : ['watch', 'list'], becomes }, 8_000),
        ...droppedAll(setting),
        targeted(resource, `z${resource}`, 2_000),
        targeted(resource, `t${resource}`, 200_000),
      ];
    },
  },
  lostAnswers: {
    meanMinutes: 15,
    make: (chance) => [
      trouble({ verbs: ['patch', 'delete'], share: 0.5, becomes: 'lost' }, seconds(chance, 5, 60)),
    ],
  },
  hungWrites: {
    meanMinutes: 25,
    make: (chance) => [trouble({ verbs: ['patch'], share: 0.5, becomes: 'hung' }, seconds(chance, 5, 40))],
  },
  unauthorized: {
    meanMinutes: 25,
    make: (chance) => [trouble({ becomes: { status: 401, reason: 'Unauthorized' } }, seconds(chance, 1, 10))],
  },
  /** Two minutes of 503, then one 404, while Safe is away and a Secret is deleted. */
  purges: {
    meanMinutes: 40,
    make(chance, setting) {
      const resource = someResource(chance, setting);
      const becomes = { status: 503, reason: 'ServiceUnavailable' };
      const of = { verbs: ['list', 'watch'] as const, resource: 'vsecmsecrets' };
      return [
        { do: 'safe', weather: { is: 'away' }, ms: 9 * MINUTE },
        trouble({ ...of, becomes }, 130_000),
        ...droppedAll(setting),
        trouble({ ...of, becomes: { status: 404, reason: 'NotFound' } }, 40_000, 130_000),
        { do: 'delete-secret', resource, name: `t${resource}`, after: 400_000 },
      ];
    },
  },
  /** An agent may no longer see who the members are, and is none any more. */
  blindness: {
    meanMinutes: 40,
    make(chance, setting) {
      const node = someNode(chance, setting);
      const verbs = chance.happens(0.5) ? (['watch'] as const) : (['list', 'watch'] as const);
      const ms = 12 * MINUTE;
      return [
        trouble(
          { node, verbs, resource: 'endpointslices', becomes: { status: 403, reason: 'Forbidden' } },
          ms,
        ),
        { do: 'drop', node },
        { do: 'unready', node, ms, after: 10_000 },
        ...every(30_000, ms, (after): Then => ({
          do: 'rotate',
          secret: chance.between(0, setting.secrets),
          after,
        })),
      ];
    },
  },
  /** Watches fail, but take their time for it. */
  slowFailures: {
    meanMinutes: 35,
    make: (_chance, setting) => [
      trouble(
        { verbs: ['watch', 'list'], afterMs: 12_000, becomes: { status: 500, reason: 'InternalError' } },
        9 * MINUTE,
      ),
      ...droppedAll(setting),
    ],
  },
  /** Watches are accepted and tell nothing, while lists work. */
  silences: {
    meanMinutes: 35,
    make(chance, setting) {
      const resource = someResource(chance, setting);
      return [
        trouble({ verbs: ['watch'], becomes: 'silent' }, 12 * MINUTE),
        ...droppedAll(setting),
        targeted(resource, `z${resource}`, seconds(chance, 60, 240)),
        targeted(resource, `t${resource}`, 13 * MINUTE),
      ];
    },
  },
  mutes: {
    meanMinutes: 15,
    make: (chance, setting) => [{ do: 'mute', node: someNode(chance, setting) }],
  },
  drops: {
    meanMinutes: 12,
    make: (chance, setting) => [{ do: 'drop', node: someNode(chance, setting) }],
  },
  cuts: {
    meanMinutes: 15,
    make: (chance, setting) => [
      {
        do: 'cut',
        node: someNode(chance, setting),
        what: chance.pick(['requests', 'watches', 'safe', 'all'] as const),
        ms: seconds(chance, 2, 100),
      },
    ],
  },
};

/** What goes wrong, or is just done. Each name is a stream of chance of its own. */
export const SOURCES: Record<string, Source> = { ...PEOPLE, ...SAFE, ...AGENTS, ...API };
