// MEGA as a store, with a real host, the real megajs and the real page in Chromium; only MEGA itself is an emulator.
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { type Fault, MegaEmulator } from '../emulators/mega.ts'
import { freePort, type Lab, labTest } from './harness.ts'
import { Host, type HostEvent } from './host.ts'

const EMAIL = 'ada@example.org'
const PASSWORD = 'hunter2-hunter2'

interface Setting {
  emulator: MegaEmulator
  host: Host
  ready: HostEvent
  args: string[]
}

/** A host whose account lies in a file of its folder, as `clawchat` reads it. */
async function setting(lab: Lab, emulator: MegaEmulator, ...more: string[]): Promise<Setting> {
  const dir = lab.path('host')
  mkdirSync(dir, { mode: 0o700 })
  const words = JSON.stringify({ email: EMAIL, password: PASSWORD })
  writeFileSync(join(dir, 'mega-account.json'), words, { mode: 0o600 })
  const args = ['--http', `127.0.0.1:${freePort()}`, '--store', 'mega', ...more]
  args.push('--mega-api', emulator.url)
  return { emulator, args, ...(await lab.host(args, dir)) }
}

function megaTest(name: string, body: (lab: Lab, emulator: MegaEmulator) => Promise<void>): void {
  labTest(name, async (lab) => {
    const emulator = await MegaEmulator.start()
    emulator.account({ email: EMAIL, password: PASSWORD })
    try {
      await body(lab, emulator)
    } finally {
      await emulator.close()
    }
  })
}

async function stateOf(host: Host): Promise<unknown> {
  const { lines } = await host.command('status')
  const stores = lines[0]?.stores as { store: string; code: string | null }[]
  return stores.find(({ store }) => store === 'mega')
}

const ofMega = (event: HostEvent): boolean => event.store === 'mega'

megaTest(
  'a browser finds the host by MEGA alone, without preflight or session',
  async (lab, emulator) => {
    const { host, ready } = await setting(lab, emulator)
    await host.waitFor('published', ofMega)
    const page = await fetch(String(ready.page))
    expect(page.headers.get('content-security-policy')).toContain(` ${emulator.url}/cs;`)
    const before = emulator.requests.length
    const ann = await lab.chromium('Ann')
    await ann.driver.answerRecords('dead')
    await ann.join(String(ready.invite))
    await ann.send('found you')
    await ann.waitMessage('found you', 'sent', 'delivered')
    const ofPage = emulator.requests.slice(before).filter(({ headers }) => headers.origin)
    expect(ofPage.length).toBeGreaterThan(0)
    for (const { command, method, sid } of ofPage)
      expect([command, method, sid]).toEqual(['g', 'POST', null])
    await ann.driver.reload()
    await ann.waitConnected()
    expect(await stateOf(host)).toMatchObject({
      store: 'mega',
      code: null,
      seq: expect.any(Number),
    })
  },
)

megaTest(
  'the page meets every fault of MEGA with a cause, and finds the host once it is over',
  async (lab, emulator) => {
    const { host, ready } = await setting(lab, emulator)
    await host.waitFor('published', ofMega)
    const faults: readonly (readonly [Fault, string])[] = [
      [{ kind: 'body', text: '<html>Sign in</html>' }, 'record-malformed'],
      [{ kind: 'at', how: 'tampered' }, 'record-malformed'],
      [{ kind: 'at', how: 'no-record' }, 'record-missing'],
      [{ kind: 'error', error: -9 }, 'record-missing'],
      [{ kind: 'error', error: -3 }, 'store-unreachable'],
      [{ kind: 'endless' }, 'record-malformed'],
      [{ kind: 'hang' }, 'store-unreachable'],
    ]
    const ann = await lab.chromium('Ann')
    await ann.driver.answerRecords('dead')
    await ann.driver.goto(String(ready.invite))
    await ann.driver.fill('Your name', 'Ann')
    for (const [fault, code] of faults) {
      emulator.mend()
      emulator.fault('g', fault, 1000)
      await ann.driver.press('Join')
      expect(await ann.alertCode(), JSON.stringify(fault)).toBe(code)
      await ann.driver.goto('about:blank')
      await ann.driver.goto(String(ready.invite))
      await ann.driver.fill('Your name', 'Ann')
    }
    emulator.mend()
    await ann.driver.press('Join')
    await ann.waitConnected()
  },
)

megaTest(
  'while MEGA fails the other stores go on, and it catches up by itself',
  async (lab, emulator) => {
    const { host } = await setting(lab, emulator)
    await host.waitFor('published', ofMega)
    const faults: readonly (readonly [Fault, string])[] = [
      [{ kind: 'error', error: -3 }, 'store-unreachable'],
      [{ kind: 'reset' }, 'store-unreachable'],
      [{ kind: 'body', text: '[' }, 'store-refused'],
    ]
    for (const [fault, code] of faults) {
      const from = host.events.length
      emulator.fault('a', fault)
      await host.command('rotate')
      await host.waitFor('store-failed', (event) => ofMega(event) && event.code === code, from)
      await host.waitFor('published', ({ store }) => store === 'embedded', from)
      await host.waitFor('published', ofMega, from)
    }
    expect(emulator.count('us')).toBe(1)
  },
)

megaTest(
  'a blocked account is said once, in words, and left alone; invites and other stores work',
  async (lab, emulator) => {
    const { host } = await setting(lab, emulator)
    await host.waitFor('published', ofMega)
    const from = host.events.length
    emulator.fault('a', { kind: 'error', error: -16 })
    await host.command('rotate')
    await host.waitFor('store-failed', (event) => event.code === 'mega-blocked', from)
    const asked = emulator.requests.length
    for (let i = 0; i < 3; i++) {
      const before = host.events.length
      await host.invite()
      await host.waitFor('published', ({ store }) => store === 'embedded', before)
    }
    expect(emulator.requests.length, 'MEGA is asked nothing more').toBe(asked)
    const said = host.events.filter((event) => event.event === 'store-failed' && ofMega(event))
    expect(said).toHaveLength(1)
    expect(host.stderr).toContain('MEGA has blocked this account. Sign in at mega.nz')
    expect(await stateOf(host)).toMatchObject({ code: 'mega-blocked' })
  },
)

megaTest(
  'the next start signs in to nothing; password, session and keys stand nowhere but in their files',
  async (lab, emulator) => {
    const first = await setting(lab, emulator)
    await first.host.waitFor('published', ofMega)
    expect(await first.host.stop()).toBe(0)
    const { host } = await lab.host(first.args, lab.path('host'))
    await host.waitFor('published', ofMega)
    expect(emulator.count('us')).toBe(1)
    const file = join(lab.path('host'), 'mega.json')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const { sid, anchor } = JSON.parse(readFileSync(file, 'utf8'))
    const all = [first.host, host].map((one) => one.stderr + JSON.stringify(one.events)).join()
    // A link does carry the handle and the file key: that is what it is for.
    const said = all.replace(/#[\w-]{100,}/g, '#')
    expect(said).toContain('published')
    for (const secret of [EMAIL, PASSWORD, sid, anchor.fileKey, anchor.handle, anchor.node]) {
      expect(said).not.toContain(secret)
    }
  },
)

megaTest('MEGA hanging at the first start keeps no host from stopping', async (lab, emulator) => {
  emulator.fault('us0', { kind: 'hang' }, 10)
  const starting = setting(lab, emulator).catch(() => null)
  await emulator.seen('us0')
  const started = await starting
  expect(started, 'ready although MEGA hangs').not.toBeNull()
  expect(await started?.host.stop()).toBe(0)
})

megaTest(
  'who asks a host to stop while it waits for MEGA waits for nothing',
  async (lab, emulator) => {
    emulator.fault('us0', { kind: 'hang' }, 10)
    const dir = lab.path('host')
    const args = [
      '--http',
      `127.0.0.1:${freePort()}`,
      '--store',
      'mega',
      '--mega-api',
      emulator.url,
    ]
    const account = { CLAWCHAT_MEGA_EMAIL: EMAIL, CLAWCHAT_MEGA_PASSWORD: PASSWORD }
    const host = new Host(dir, args, account)
    try {
      await emulator.seen('us0')
      expect(await host.stop()).toBe(0)
      expect(host.events.map(({ event }) => event)).toEqual(['stopped'])
    } finally {
      await host.kill()
    }
  },
)

megaTest(
  'after a burn the old file at MEGA shows it, and the new identity has a file of its own',
  async (lab, emulator) => {
    const { host, ready } = await setting(lab, emulator)
    await host.waitFor('published', ofMega)
    const ann = await lab.profile('Ann', lab.path('ann'))
    await ann.client.join(String(ready.invite))
    await host.waitFor('enrolled')
    await ann.close()
    const old = anchorOf(lab)
    const from = host.events.length
    expect(await host.command('burn', '--yes')).toMatchObject({ code: 0 })
    const fresh = await host.waitFor('ready', undefined, from)
    const burnt = host.events.findIndex(({ event }) => event === 'burnt')
    await host.waitFor('published', ofMega, burnt)
    expect(anchorOf(lab)).not.toBe(old)
    expect(emulator.count('us'), 'once for each identity').toBe(2)

    // Both read nothing but MEGA.
    const late = await lab.profile('Ann again', lab.path('ann'))
    await late.client.driver.answerRecords('dead')
    await late.client.driver.goto(String(ready.page))
    expect(await late.client.alertCode()).toBe('burned')
    const ben = await lab.chromium('Ben')
    await ben.driver.answerRecords('dead')
    await ben.join(String(fresh.invite))
    await ben.send('a new house')
    await ben.waitMessage('a new house', 'sent')
  },
)

megaTest(
  'without the account in reach a burnt host says what to do, and is found by its other stores',
  async (lab, emulator) => {
    const first = await setting(lab, emulator)
    await first.host.waitFor('published', ofMega)
    expect(await first.host.stop()).toBe(0)
    // Typed at a prompt the first time: the session goes on without it.
    rmSync(join(lab.path('host'), 'mega-account.json'))
    const { host } = await lab.host(first.args, lab.path('host'))
    await host.waitFor('published', ofMega)
    const from = host.events.length
    expect(await host.command('burn', '--yes')).toMatchObject({ code: 0 })
    const fresh = await host.waitFor('ready', undefined, from)
    await host.waitFor('store-failed', (event) => ofMega(event) && event.code === 'mega-account')
    expect(host.stderr).toContain('Start in a terminal and answer the questions')
    const ann = await lab.chromium('Ann')
    await ann.join(String(fresh.invite))
  },
)

const anchorOf = (lab: Lab): string =>
  JSON.parse(readFileSync(join(lab.path('host'), 'mega.json'), 'utf8')).anchor.handle
