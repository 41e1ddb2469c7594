// The owner burns a host: whoever hears of it, in session or from a store, has nothing left; a new host stands in its place.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { toHex } from '../../shared/bytes.ts'
import { openRecord } from '../../shared/record.ts'
import type { Client } from './client.ts'
import { freePort, labTest } from './harness.ts'
import { type Stolen, steal } from './stolen.ts'

const SECRET = 'what nobody may find again'

/** How many entries the browser keeps of profile, messages and outbox. */
const kept = (client: Client): Promise<number[]> =>
  client.driver.read(
    () =>
      new Promise<number[]>((resolve, reject) => {
        const opening = indexedDB.open('clawchat')
        opening.onerror = () => reject(opening.error)
        opening.onsuccess = () => {
          const names = ['profile', 'messages', 'outbox']
          const transaction = opening.result.transaction(names)
          const counts = names.map((name) => transaction.objectStore(name).count())
          transaction.oncomplete = () => resolve(counts.map(({ result }) => result))
        }
      }),
    null,
  )

/** One entry stays in the profile: that the identity is burnt. */
const NOTHING = [1, 0, 0]

async function served({ record, root }: Stolen): Promise<boolean> {
  const [entry] = record.locator
  if (entry?.type !== 'https') throw new Error('the record names no store')
  const answer = await fetch(`${entry.url}/v1/records/${toHex(entry.id)}`)
  const bytes = new Uint8Array(await answer.arrayBuffer())
  return openRecord({ bytes, root, hostPublicKey: record.hostPublicKey, minSeq: 0 }).burn
}

/** Whether these bytes lie in any file of the folder. */
const holds = (dir: string, bytes: Uint8Array): boolean =>
  readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .some((entry) => readFileSync(join(dir, entry.name)).indexOf(bytes) >= 0)

labTest(
  'burn: who hears of it in session or from a store keeps nothing, and a new host begins',
  async (lab) => {
    const args = ['--http', `127.0.0.1:${freePort()}`, '--name', 'Old lady']
    const { host, ready } = await lab.host(args)
    const ann = await lab.chromium('Ann')
    await ann.join(String(ready.invite))
    const ben = await lab.profile('Ben', lab.path('ben'))
    await ben.client.join(await host.invite())
    await ben.client.send(SECRET)
    await ann.waitMessage(SECRET)
    const stolen = await steal(ben.client)
    await ben.close()
    const openLink = await host.invite()
    const identity = readFileSync(join(host.dir, 'identity.key'))
    const secretOfH = identity.subarray(4, 36)
    expect(holds(host.dir, secretOfH)).toBe(true)
    expect(holds(host.dir, Buffer.from(SECRET))).toBe(true)

    const asked = await host.command('burn')
    expect(asked).toMatchObject({ code: 2, lines: [{ event: 'error', code: 'usage' }] })
    const from = host.events.length
    const burnt = await host.command('burn', '--yes')
    expect(burnt).toMatchObject({ code: 0, lines: [{ burnt: ready.identity }] })
    expect(await host.waitFor('burnt')).toEqual({ event: 'burnt', identity: ready.identity })
    const fresh = await host.waitFor('ready', undefined, from)
    expect(fresh.identity).not.toBe(ready.identity)
    expect(fresh.page).toBe(ready.page)

    expect(await ann.alertCode()).toBe('burned')
    await ann.waitText('The owner has burnt this host.')
    expect(await kept(ann)).toEqual(NOTHING)
    const late = await lab.profile('Ben again', lab.path('ben'))
    await late.client.driver.goto(String(ready.page))
    expect(await late.client.alertCode()).toBe('burned')
    await late.client.driver.until(() => document.querySelector('article') === null, null, 10_000)
    expect(await kept(late.client)).toEqual(NOTHING)
    // A link of the old identity lets nobody in, and says why.
    const cay = await lab.chromium('Cay')
    await cay.driver.goto(openLink)
    await cay.driver.fill('Your name', 'Cay')
    await cay.driver.press('Join')
    expect(await cay.alertCode()).toBe('burned')

    expect(holds(host.dir, secretOfH)).toBe(false)
    expect(holds(host.dir, Buffer.from(SECRET))).toBe(false)
    expect((await host.command('members')).lines).toEqual([])
    await ann.join(String(fresh.invite))
    expect(await ann.texts()).toEqual([])
    await ann.send('hello again')
    await ann.waitMessage('hello again', 'sent')

    // The burn stays in the store, whatever happens to the host.
    expect(await served(stolen)).toBe(true)
    await host.kill()
    const { host: again, ready: still } = await lab.host(args)
    expect(still.identity).toBe(fresh.identity)
    expect(still.invite).toBeNull()
    expect(await served(stolen)).toBe(true)
    expect(existsSync(join(again.dir, 'identity.key'))).toBe(true)
  },
  240_000,
)
