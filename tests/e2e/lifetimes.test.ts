// Messages that disappear, in real browsers (SPEC §7.10): from both pages and what they keep, from the host's files, from what
// is found. Time passes by the host's clock alone; the browsers learn it from there.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Client } from './client.ts'
import { freePort, labTest } from './harness.ts'
import { mayOpenKept } from './kept.ts'

/** What lies in the databases of the page's origin, opened. */
async function kept(): Promise<string> {
  const done = <T>(request: IDBRequest<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
    })
  const rows: unknown[] = []
  for (const store of ['profile', 'messages', 'outbox']) rows.push(await allKept(store))
  const db = await done(indexedDB.open('clawchat-files'))
  for (const row of await done(db.transaction('uploads').objectStore('uploads').getAll()))
    rows.push(await openKept('uploads', row.id, row))
  db.close()
  return JSON.stringify(rows)
}
async function keeps(client: Client, word: string): Promise<boolean> {
  await mayOpenKept(client.driver)
  return ((await client.driver.read(kept as never, null as never)) as string).includes(word)
}

/** Whatever lies in the host's folder, as it lies there. */
function onDisk(dir: string): string {
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => readFileSync(join(parentPath, name)).toString('latin1'))
    .join()
}

const choose = (client: Client, label: string, value: string): Promise<void> =>
  client.driver.until(
    ({ label, value }) => {
      const named = [...document.querySelectorAll('label')].find((one) => one.textContent === label)
      const select = document.getElementById(named?.htmlFor ?? '') as HTMLSelectElement | null
      if (select === null || select.disabled) return false
      select.value = value
      select.dispatchEvent(new Event('change', { bubbles: true }))
      return true
    },
    { label, value },
    20_000,
  )
const untilGone = (client: Client, word: string): Promise<void> =>
  client.driver.until((word) => !document.body.textContent.includes(word), word, 45_000)
const find = async (client: Client, words: string): Promise<void> => {
  await client.driver.read((words) => {
    const box = document.querySelector<HTMLInputElement>('input[type="search"]')
    if (box === null) throw new Error('no searchbox')
    box.focus()
    box.value = words
    box.dispatchEvent(new Event('input', { bubbles: true }))
  }, words)
}
const note = (client: Client, words: string): Promise<void> =>
  client.driver.until(
    (words) => document.querySelector('.search-note')?.textContent?.includes(words) === true,
    words,
    20_000,
  )

labTest('what was written for an hour is nowhere any more after it', async (lab) => {
  const args = ['--http', `127.0.0.1:${freePort()}`]
  const { host, ready } = await lab.host(args)
  const [ann, ben] = [await lab.chromium('Ann'), await lab.chromium('Ben')]
  await ann.join(String(ready.invite))
  await ben.join(await host.invite())
  await ann.send('stays for good')
  await ben.waitMessage('stays for good')
  await ann.driver.press('My host: who is in it')
  await choose(ann, 'How long new messages stay', '3600000')
  await ann.waitText('You set new messages to disappear after 1 hour.')
  await ann.driver.key('Escape')
  await ben.waitText('Ann set new messages to disappear after 1 hour.')
  const beside = (): Promise<boolean[]> =>
    ben.driver.read(
      () =>
        [...document.querySelectorAll('.title .lasting, .title p > .desktop')].map((one) =>
          one.checkVisibility(),
        ),
      null,
    )
  expect(await beside()).toEqual([true, true])
  await ben.driver.resize(390, 844)
  expect(await beside()).toEqual([true, false])
  await ben.driver.resize(1100, 750)
  // Who may not set it is not asked.
  expect(await ben.driver.read(() => document.querySelector('h1 button'), null)).toBeNull()
  await ann.send('zanzibar for an hour')
  await ben.waitMessage('zanzibar for an hour')
  await ben.driver.dropFile(new TextEncoder().encode('quagga'), 'okapi.txt', 'text/plain')
  await ann.waitText('okapi.txt')
  await ann.waitMessage('zanzibar for an hour', 'delivered')
  expect(onDisk(host.dir)).toContain('zanzibar')
  expect(await keeps(ben, 'zanzibar')).toBe(true)
  expect(readdirSync(join(host.dir, 'files'))).toHaveLength(1)

  await host.stop()
  const { host: later } = await lab.host(args, host.dir, { CLAWCHAT_CLOCK_OFFSET: '+61m' })
  for (const client of [ann, ben]) {
    await client.waitConnected()
    for (const word of ['zanzibar', 'okapi']) {
      await untilGone(client, word)
      expect(await keeps(client, word), word).toBe(false)
    }
    expect(await client.texts()).toEqual(['stays for good'])
    await find(client, 'zanzibar')
    await note(client, 'Nothing found')
  }
  const [home] = (await later.command('rooms')).lines
  expect(home).toMatchObject({ name: 'My host', members: 2, lifeMs: 3_600_000 })
  const set = await later.command('rooms', 'My host', '--lifetime', '7d')
  expect(set.lines).toEqual([{ ...home, lifeMs: 604_800_000 }])
  await ann.waitText('You set new messages to disappear after 1 week.')
  await ben.waitText('Ann set new messages to disappear after 1 week.')
  for (const word of ['zanzibar', 'okapi']) expect(onDisk(later.dir), word).not.toContain(word)
  expect(readdirSync(join(later.dir, 'files'))).toEqual([])
  await ben.driver.reload()
  await ben.waitConnected()
  await ben.waitMessage('stays for good')
  expect(await ben.texts()).toEqual(['stays for good'])
})
