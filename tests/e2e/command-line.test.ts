// The command line's bad input: each ends with the right exit code and a last JSON line that says what to do next.
import { cpSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect } from 'vitest'
import { freePort, labTest } from './harness.ts'
import { type CommandResult, command } from './host.ts'

function expectError(result: CommandResult, exit: number, code: string): void {
  const last = result.lines.at(-1)
  expect(last, result.stderr).toMatchObject({ event: 'error', code })
  expect(String(last?.message).length).toBeGreaterThan(10)
  expect(String(last?.next).length).toBeGreaterThan(10)
  expect(result.code).toBe(exit)
}

labTest('a taken page port that was asked for or saved', async (lab) => {
  const blocker = createServer()
  await new Promise<void>((done) => blocker.listen(0, '127.0.0.1', done))
  const { port } = blocker.address() as AddressInfo
  const args = ['start', '--json', '--data', lab.path('host'), '--http', `127.0.0.1:${port}`]
  expectError(await command(...args), 1, 'port-taken')
  await new Promise((done) => blocker.close(done))
})

labTest(
  'a folder that is a file, one that cannot be written, and one of another program',
  async (lab) => {
    writeFileSync(lab.path('file'), '')
    expectError(await command('start', '--json', '--data', lab.path('file')), 1, 'folder-unusable')

    // /proc refuses new entries even to root, as a read-only disk does.
    expectError(await command('start', '--json', '--data', '/proc/clawchat'), 1, 'folder-unusable')

    mkdirSync(lab.path('foreign'))
    writeFileSync(join(lab.path('foreign'), 'thesis.txt'), 'mine')
    expectError(
      await command('start', '--json', '--data', lab.path('foreign')),
      1,
      'folder-foreign',
    )
    expect(readdirSync(lab.path('foreign'))).toEqual(['thesis.txt'])
  },
)

labTest('a second host on the same folder', async (lab) => {
  const { host } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
  const second = ['start', '--json', '--data', host.dir, '--http', `127.0.0.1:${freePort()}`]
  expectError(await command(...second), 1, 'folder-locked')
  const status = await host.command('status')
  expect(status.code).toBe(0)
})

labTest('a host that was killed leaves no lock behind', async (lab) => {
  const args = ['--http', `127.0.0.1:${freePort()}`]
  const { host } = await lab.host(args)
  await host.kill()
  const { host: again, ready } = await lab.host(args)
  expect(ready.dataDir).toBe(again.dir)
})

labTest('commands without a running host', async (lab) => {
  for (const name of ['status', 'stop', 'rotate']) {
    expectError(await command(name, '--json', '--data', lab.path('none')), 1, 'not-running')
  }
  expect(existsSync(lab.path('none'))).toBe(false)
})

labTest('wrong usage', async (lab) => {
  const start = ['start', '--json', '--data', lab.path('host')]
  for (const args of [
    [...start, '--rotate-every', '9s'],
    [...start, '--rotate-every', '10s', '--notice', '5s', '--grace', '5s'],
    [...start, '--port-range', '50000-50006'],
    [...start, '--no-such-option'],
    ['no-such-command', '--json'],
  ]) {
    expectError(await command(...args), 2, 'usage')
  }
  expect(existsSync(lab.path('host'))).toBe(false)
})

labTest(
  'a configuration file in the data folder: what holds, and what is wrong in it',
  async (lab) => {
    const [port, other] = [freePort(), freePort()]
    const dir = lab.path('host')
    mkdirSync(dir, { mode: 0o700 })
    const file = join(dir, 'clawchat.config.toml')
    writeFileSync(
      file,
      `http = "127.0.0.1:${port}"\nname = "From the file"\nport-range = "50000-50015"\nstore = ["file:copy/record.bin"]\n`,
    )
    const { host, ready } = await lab.host([])
    expect(ready.page).toBe(`http://127.0.0.1:${port}/`)
    expect(Number(ready.port)).toBeGreaterThanOrEqual(50_000)
    expect(Number(ready.port)).toBeLessThanOrEqual(50_015)
    const [status] = (await host.command('status')).lines
    expect(status).toMatchObject({ name: 'From the file' })
    await host.waitFor('published', ({ store }) => store === 'file-1')
    expect(statSync(join(dir, 'copy/record.bin')).size).toBe(6144)
    expect(await host.stop()).toBe(0)

    const { ready: flagged } = await lab.host(['--http', `127.0.0.1:${other}`], dir)
    expect(flagged.page).toBe(`http://127.0.0.1:${other}/`)

    writeFileSync(file, 'lan = false\nport_range = "50000-50015"\n')
    const refused = await command('start', '--json', '--data', dir)
    expectError(refused, 2, 'usage')
    expect(refused.lines.at(-1)).toMatchObject({
      message: `${file}, line 2: port_range is no option of this file.`,
      next: expect.stringContaining('Did you mean port-range?'),
    })
    const again = ['start', '--json', '--data', lab.path('new'), '--config', lab.path('none')]
    expectError(await command(...again), 2, 'usage')
    expect(existsSync(lab.path('new'))).toBe(false)
  },
)

labTest('stop ends a host, invites list and rotate answer', async (lab) => {
  const { host, ready } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
  const from = host.events.length
  expect((await host.command('rotate')).code).toBe(0)
  const rotated = await host.waitFor('rotated', undefined, from)
  expect(rotated.previousPort).toBe(ready.port)
  expect(rotated.port).not.toBe(ready.port)
  expect((await host.command('stop')).code).toBe(0)
  await host.waitFor('stopped')
  expect(await host.ended()).toBe(0)
})

labTest('keys on disk are for the owner alone', async (lab) => {
  const { host } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
  const files = readdirSync(host.dir, { recursive: true, withFileTypes: true })
  expect(files.length).toBeGreaterThan(1)
  expect(statSync(host.dir).mode & 0o077).toBe(0)
  for (const file of files.filter((entry) => entry.isFile())) {
    expect(statSync(join(file.parentPath, file.name)).mode & 0o077, file.name).toBe(0)
  }
})

labTest('events and logs name no secret, no key and no address of a member', async (lab) => {
  const { host, ready } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
  const ann = await lab.chromium('Ann')
  await ann.join(String(ready.invite))
  await ann.send('nobody logs this')
  await ann.waitMessage('nobody logs this', 'sent')
  const { invite: _, page: __, pages: ___, ...rest } = ready
  const said = JSON.stringify([rest, ...host.events.filter((event) => event !== ready)])
  const link = new URL(String(ready.invite)).hash.slice(1)
  for (const text of ['nobody logs this', link, link.slice(2, 45)]) {
    expect(said + host.stderr.replaceAll(String(ready.invite), '')).not.toContain(text)
  }
  expect(said).not.toMatch(/\d+\.\d+\.\d+\.\d+/)
})

labTest(
  'two copies of one host: the one that is behind stops, says why, and needs --take-over',
  async (lab) => {
    const store = ['--store', `file:${lab.path('shared-record')}`]
    const args = () => ['--http', `127.0.0.1:${freePort()}`, ...store]
    const { host: first } = await lab.host(args())
    await first.stop()
    cpSync(first.dir, lab.path('copy'), { recursive: true })
    const { host: one } = await lab.host(args())
    const { host: two } = await lab.host(args(), lab.path('copy'))
    await one.command('invite')
    expect(await one.exited).toBe(1)
    expect(one.events.at(-1)).toMatchObject({ event: 'error', code: 'superseded' })
    const again = ['start', '--json', '--data', one.dir, ...args()]
    expectError(await command(...again), 1, 'superseded')
    expect((await two.command('status')).code).toBe(0)
    await two.stop()
    const { host: taken } = await lab.host([...args(), '--take-over'], one.dir)
    expect((await taken.command('invite')).code).toBe(0)
  },
)

labTest(
  'restored from a backup: who was in goes on, and what was said since is there once',
  async (lab) => {
    const args = ['--http', `127.0.0.1:${freePort()}`]
    const { host, ready } = await lab.host(args)
    const [ann, ben] = [await lab.chromium('Annegret'), await lab.chromium('Bertrand')]
    await ann.join(String(ready.invite))
    await ben.join(await host.invite())
    await ann.send('written before the backup')
    await ben.waitMessage('written before the backup')
    const file = lab.path('host.backup')
    expect((await host.command('backup', file, '--plain')).code).toBe(0)
    await ben.send('written after the backup')
    await ann.waitMessage('written after the backup')
    await ben.waitMessage('written after the backup', 'delivered')
    await host.stop()
    const back = ['--json', '--data', lab.path('restored')]
    expect((await command('restore', file, ...back)).code).toBe(0)
    await ann.send('written while it was away')
    const { host: restored } = await lab.host(args, lab.path('restored'))
    const all = ['written before the backup', 'written after the backup']
    for (const client of [ann, ben]) {
      await client.waitConnected()
      await client.waitMessage('written while it was away')
      await client.waitMessage('written after the backup')
    }
    await ben.send('written to the restored host')
    await ann.waitMessage('written to the restored host')
    await ben.waitMessage('written to the restored host', 'delivered')
    const last = ['written to the restored host', 'written while it was away']
    for (const client of [ann, ben])
      expect((await client.texts()).toSorted()).toEqual([...all, ...last].toSorted())
    expect((await restored.command('members')).lines).toHaveLength(2)
  },
)
