import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { PLAYERS } from './commands.ts';
import { commands, pages, ROOT } from './documentation.ts';

const found = (await pages()).flatMap((page) =>
  commands(page).map((command) => ({ path: page.path, command })),
);

test('each command of the pages is played by a test or a script, or is a person’s, with the reason', () => {
  assert.ok(found.length > 30);
  for (const { path, command } of found)
    assert.ok(
      PLAYERS.some((player) => player.command.test(command)),
      `${path}: nobody plays: ${command}`,
    );
});

test('whoever is to play a command does, and no longer stands there than the command', async () => {
  for (const player of PLAYERS) {
    const first = found.some(({ command }) => PLAYERS.find((one) => one.command.test(command)) === player);
    assert.ok(first, `no page has: ${player.command}`);
    if (player.by === undefined) {
      assert.ok(player.person, String(player.command));
      continue;
    }
    const [file, shows] = player.by;
    assert.ok((await readFile(join(ROOT, file), 'utf8')).includes(shows), `${file} does not show: ${shows}`);
  }
});
