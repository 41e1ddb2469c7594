// Searching all history, places in it, and earlier texts, in real browsers (SPEC §7.5, §7.6).
import { randomBytes } from 'node:crypto'
import { expect } from 'vitest'
import { openDatabase } from '../../host/database.ts'
import { Members } from '../../host/members.ts'
import { Rooms } from '../../host/rooms.ts'
import type { Client } from './client.ts'
import { freePort, labTest } from './harness.ts'

const DAY = 86_400_000
const random = (n: number): Uint8Array => new Uint8Array(randomBytes(n))

/** Posts of the only device of a host that does not run: old ones, oldest first. */
function write(dir: string, posts: readonly { text: string; atMs: number }[]): void {
  const db = openDatabase(dir)
  const rooms = new Rooms(db, random)
  const device = new Members(db, random).devices()[0]?.id ?? ''
  const first = rooms.incoming(device).stored + 1
  db.exec('BEGIN')
  for (const [i, { text, atMs }] of posts.entries()) {
    const post = {
      type: 'post',
      endsAtMs: 0,
      room: new Uint8Array(16),
      replyTo: null,
      text,
    } as const
    rooms.receive(device, first + i, random(16), post, atMs)
  }
  // The device knows its own numbers: what was written here came from nowhere.
  db.prepare('UPDATE devices SET incoming = ?').run(first - 1)
  db.prepare('DELETE FROM outgoing').run()
  db.prepare('UPDATE devices SET assigned = 0').run()
  db.exec('COMMIT')
  db.close()
}

const search = async (client: Client, words: string): Promise<void> =>
  client.driver.read((words) => {
    const box = document.querySelector<HTMLInputElement>('input[type="search"]')
    box?.focus()
    if (box === null) throw new Error('no searchbox')
    box.value = words
    box.dispatchEvent(new Event('input', { bubbles: true }))
  }, words)
const note = (client: Client, words: string): Promise<void> =>
  client.driver.until(
    (words) => document.querySelector('.search-note')?.textContent?.includes(words) === true,
    words,
    20_000,
  )
const hits = (client: Client): Promise<{ text: string; marks: string[] }[]> =>
  client.driver.read(
    () =>
      [...document.querySelectorAll('.hits .hit-text')].map((hit) => ({
        text: hit.textContent ?? '',
        marks: [...hit.querySelectorAll('mark')].map((mark) => mark.textContent ?? ''),
      })),
    null,
  )
/** Ticks that box among the filters, or clears it. */
const onlyFiles = (client: Client): Promise<void> =>
  client.driver.read(() => {
    const label = [...document.querySelectorAll<HTMLElement>('.filters label')].find((one) =>
      one.textContent?.includes('Only with a file'),
    )
    if (label === undefined) throw new Error('no such filter')
    label.click()
  }, null)
/** Does this with the message of this text. */
async function press(client: Client, text: string, what: string): Promise<void> {
  await client.driver.until(
    (text) => {
      const row = [...document.querySelectorAll<HTMLElement>('[role="log"] [data-id]')].find(
        (one) => one.querySelector('[data-part="text"]')?.textContent === text,
      )
      if (row?.querySelector('.actions')) return true
      row?.querySelector<HTMLElement>('.more')?.click()
      return false
    },
    text,
    20_000,
  )
  await client.driver.press(what)
}
const untilFocused = (client: Client, text: string): Promise<void> =>
  client.driver.until(
    (text) => document.activeElement?.querySelector('[data-part="text"]')?.textContent === text,
    text,
    20_000,
  )

labTest(
  'all history is found, jumped to and left again; without a host, what is kept',
  async (lab) => {
    const args = ['--http', `127.0.0.1:${freePort()}`]
    const { host, ready } = await lab.host(args)
    const ann = await lab.chromium('Ann')
    await ann.join(String(ready.invite))
    await host.stop()
    const start = Date.now() - 400 * DAY
    write(
      host.dir,
      Array.from({ length: 3000 }, (_, i) => ({
        text: i === 500 ? 'The blue Käfer stood at the harbour' : `message number ${i}`,
        atMs: start + i * 3_600_000,
      })),
    )
    const { host: again } = await lab.host(args, host.dir)
    const ben = await lab.chromium('Ben')
    await ben.join(await again.invite())
    await ben.waitMessage('message number 2999')
    const before = (await ben.messages()).length

    await search(ben, 'kafer')
    await note(ben, 'One message found.')
    expect(await hits(ben)).toEqual([
      { text: 'The blue Käfer stood at the harbour', marks: ['Käfer'] },
    ])
    // From the box by the keyboard into the results, and to the message in its place.
    await ben.driver.key('Enter')
    await ben.driver.key('Enter')
    await untilFocused(ben, 'The blue Käfer stood at the harbour')
    const around = await ben.texts()
    expect(around).toContain('message number 499')
    expect(around).toContain('message number 501')
    expect(around).not.toContain('message number 2999')
    await ben.driver.press('To the newest message')
    await ben.waitMessage('message number 2999')
    expect((await ben.messages()).length).toBeGreaterThanOrEqual(Math.min(before, 200))

    await search(ben, 'message number 29')
    await note(ben, '50 messages found so far.')
    await ben.driver.press('Search further back')
    await ben.driver.until(() => document.querySelectorAll('.hits .hit').length > 50, null, 20_000)
    await search(ben, 'nobody wrote this')
    await note(ben, 'Nothing found.')

    await ben.driver.dropFile(Buffer.from('x'), 'harbour.dat')
    await ben.driver.until(
      () => {
        const row = document.querySelector('[data-part="file"]')?.closest<HTMLElement>('article')
        return row !== null && row !== undefined && row.dataset.state !== 'sending'
      },
      null,
      20_000,
    )
    await search(ben, 'harbour')
    await note(ben, '2 messages found.')
    await onlyFiles(ben)
    await note(ben, 'One message found.')
    expect(await hits(ben)).toEqual([{ text: 'harbour.dat', marks: ['harbour'] }])
    await onlyFiles(ben)

    // What is kept is searched without a host, and the page says so.
    await again.stop()
    await ben.waitDisconnected()
    await search(ben, 'käfer')
    await note(ben, 'only what is kept on this device')
    await ben.driver.until(
      () => document.querySelector('.hits mark')?.textContent === 'Käfer',
      null,
      20_000,
    )
    await search(ben, 'number 2998')
    await ben.driver.until(
      () => document.querySelector('.hits .hit-text')?.textContent === 'message number 2998',
      null,
      20_000,
    )
    await search(ben, 'number 1500')
    await note(ben, 'Nothing found.')
    // All files, by no word.
    await onlyFiles(ben)
    await search(ben, '')
    await note(ben, 'One message found.')
    expect(await hits(ben)).toEqual([{ text: 'harbour.dat', marks: [] }])
  },
  240_000,
)

labTest(
  'a day, a quoted message far back, and what a message said before',
  async (lab) => {
    const args = ['--http', `127.0.0.1:${freePort()}`]
    const { host, ready } = await lab.host(args)
    const ann = await lab.chromium('Ann')
    await ann.join(String(ready.invite))
    await host.stop()
    const start = Date.now() - 40 * DAY
    const posts = Array.from({ length: 900 }, (_, i) => ({
      ...{ text: `hour ${i}`, atMs: start + i * 3_600_000 },
    }))
    write(host.dir, posts)
    const { host: again } = await lab.host(args, host.dir)
    const ben = await lab.chromium('Ben')
    await ben.join(await again.invite())
    await ben.waitMessage('hour 899')
    await ben.driver.read(() => document.querySelector<HTMLElement>('.day button')?.click(), null)
    await ben.driver.until(() => document.querySelector('#jump-day') !== null, null, 20_000)
    const wanted = new Date(start + 100 * 3_600_000)
    const midnight = new Date(wanted.getFullYear(), wanted.getMonth(), wanted.getDate()).getTime()
    const first = Math.ceil((midnight - start) / 3_600_000)
    await ben.driver.read((ms) => {
      const field = document.querySelector<HTMLInputElement>('#jump-day')
      const day = new Date(ms)
      const two = (n: number): string => String(n).padStart(2, '0')
      if (field === null) throw new Error('no field')
      field.value = `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`
      field.dispatchEvent(new Event('input', { bubbles: true }))
    }, midnight)
    await ben.driver.press('Go there')
    await untilFocused(ben, `hour ${first}`)
    expect(await ben.texts()).not.toContain('hour 899')

    // An answer from there; who writes is back at the newest, and the quote leads to where it came from.
    await press(ben, `hour ${first}`, 'Reply')
    await ben.send('an old story')
    await ben.waitMessage('an old story', 'sent')
    expect(await ben.texts()).toContain('hour 899')
    expect(await ben.texts()).not.toContain(`hour ${first}`)
    await ben.driver.press('An earlier message')
    await untilFocused(ben, `hour ${first}`)

    await ben.driver.press('To the newest message')
    await press(ben, 'an old story', 'Edit')
    await ben.driver.fill('Message', 'an older story')
    await ben.driver.key('Enter')
    await ben.waitMessage('an older story')
    await ben.driver.press('edited')
    await ben.driver.until(
      () => document.querySelector('dialog .versions p')?.textContent === 'an old story',
      null,
      20_000,
    )
  },
  240_000,
)
