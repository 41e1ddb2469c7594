// A page that finds what an older one kept brings it up, seals it, and loses nothing (web/schema.ts, web/filestore.ts).

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { violationsOf } from './axe.ts'
import { freePort, labTest } from './harness.ts'
import { mayOpenKept } from './kept.ts'

/**
 * Writes the database as version 1 had it (one room, messages that never change) or 2, in the clear. Runs where no page
 * has it open. `many`: so many further messages, of another room.
 */
async function downgrade([to, many]: readonly [to: 1 | 2, many: number]): Promise<void> {
  const done = <T>(request: IDBRequest<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
    })
  const names = ['profile', 'messages', 'outbox'] as const
  const kept = new Map<string, [IDBValidKey, Record<string, unknown>][]>()
  for (const name of names) kept.set(name, await allKept(name))
  await done(indexedDB.deleteDatabase('clawchat'))
  const opening = indexedDB.open('clawchat', to)
  opening.onupgradeneeded = () => {
    const db = opening.result
    db.createObjectStore('profile')
    const messages = db.createObjectStore('messages', { keyPath: 'id' })
    if (to === 1) messages.createIndex('seq', 'seq')
    else messages.createIndex('place', ['room', 'seq'])
    messages.createIndex('written', 'written')
    db.createObjectStore('outbox', { keyPath: 'number' })
    db.createObjectStore('lease')
  }
  const old = await done(opening)
  const without = (row: Record<string, unknown>, fields: readonly string[]) =>
    to === 2
      ? row
      : Object.fromEntries(Object.entries(row).filter(([field]) => !fields.includes(field)))
  const writing = old.transaction(names, 'readwrite')
  for (const [key, row] of kept.get('profile') ?? []) {
    const fresh = ['rooms', 'read', 'readBy', 'receipts', 'behind']
    const first = to === 1 ? { roomName: 'Home', behind: false } : {}
    writing.objectStore('profile').put({ ...without(row, fresh), ...first }, key)
  }
  for (const [, row] of kept.get('messages') ?? []) {
    const fresh = ['room', 'edited', 'deleted', 'change', 'replyTo', 'reactions']
    // Another text than the host has: what is shown later comes from here.
    writing.objectStore('messages').put({ ...without(row, fresh), text: `${row.text}, and here` })
  }
  const [, sample] = kept.get('messages')?.[0] ?? []
  for (let n = 1; n <= many; n++) {
    const id = n.toString(16).padStart(32, '0')
    const row = { ...sample, id, room: '77'.repeat(16), seq: n, text: `older ${n}` }
    writing.objectStore('messages').put(row)
  }
  await new Promise((resolve) => {
    writing.oncomplete = resolve
  })
  old.close()
}

/** As a page of before, which lets go of its database for nobody. */
function holdOpen(): Promise<unknown> {
  const opening = indexedDB.open('clawchat')
  return new Promise((resolve) => {
    opening.onsuccess = () => {
      Object.assign(globalThis, { held: opening.result })
      resolve(null)
    }
  })
}

labTest('what version 1 of the page kept is all there once older tabs are closed', async (lab) => {
  const { ready } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
  const { client: ann, page } = await lab.profile('Ann', lab.path('profile'))
  await ann.join(String(ready.invite))
  await ann.send('kept by the page before')
  await ann.waitMessage('kept by the page before', 'sent')
  // Another document of the origin, so that nothing holds the database open.
  await ann.driver.goto(`${ready.page}build.json`)
  await mayOpenKept(ann.driver)
  await ann.driver.read(downgrade, [1, 0] as const)
  const older = await page.context().newPage()
  await older.goto(`${ready.page}build.json`)
  await older.evaluate(holdOpen)
  await ann.driver.goto(String(ready.page))
  await page.getByRole('heading', { name: 'An older page is open in another tab' }).waitFor()
  expect(await violationsOf(page)).toEqual([])
  await older.close()
  await ann.waitMessage('kept by the page before, and here', 'sent')
  await ann.waitConnected()
  await ann.send('and now')
  await ann.waitMessage('and now', 'sent')
  expect(await ann.texts()).toEqual(['kept by the page before, and here', 'and now'])
})

/** Files as version 1 of their database had them: in the clear. */
async function bareFiles(content: readonly number[]): Promise<void> {
  const done = <T>(request: IDBRequest<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
    })
  const now = await done(indexedDB.open('clawchat-files'))
  const contents = await done(now.transaction('contents').objectStore('contents').getAll())
  now.close()
  await done(indexedDB.deleteDatabase('clawchat-files'))
  const opening = indexedDB.open('clawchat-files', 1)
  opening.onupgradeneeded = () => {
    opening.result.createObjectStore('uploads', { keyPath: 'id' })
    const store = opening.result.createObjectStore('contents', { keyPath: 'id' })
    for (const row of contents) store.put(row)
    opening.result.createObjectStore('segments')
  }
  ;(await done(opening)).close()
  const root = await navigator.storage.getDirectory()
  const folder = await root.getDirectoryHandle('clawchat-files')
  for (const { id } of contents) {
    await folder.removeEntry(`${id}.0.sealed`)
    const file = await folder.getFileHandle(`${id}.0`, { create: true })
    const stream = await file.createWritable()
    await stream.write(Uint8Array.from(content))
    await stream.close()
  }
}

/** Every row of messages as it lies there, as text. */
const rawRows = (): Promise<string> =>
  new Promise((resolve, reject) => {
    const opening = indexedDB.open('clawchat')
    opening.onerror = () => reject(opening.error)
    opening.onsuccess = () => {
      const asked = opening.result.transaction('messages').objectStore('messages').getAll()
      asked.onsuccess = () => {
        opening.result.close()
        const words = new TextDecoder('latin1')
        resolve(
          asked.result
            .map((row) => JSON.stringify({ ...row, sealed: words.decode(row.sealed) }))
            .join(),
        )
      }
    }
  })

labTest(
  'what version 2 kept in the clear is sealed, all or nothing, files among it',
  async (lab) => {
    const { ready } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
    const { client: ann, page } = await lab.profile('Ann', lab.path('profile'))
    // The disk is full in the middle, once.
    await page.addInitScript(() => {
      const put = IDBObjectStore.prototype.put
      let left = 1500
      IDBObjectStore.prototype.put = function (...args) {
        left -= 1
        if (left < 0 && localStorage.getItem('full') !== null)
          throw new DOMException('', 'QuotaExceededError')
        return put.apply(this, args)
      }
    })
    await ann.join(String(ready.invite))
    await ann.send('kept in the clear')
    await ann.waitMessage('kept in the clear', 'sent')
    const content = [...Buffer.from('the content of a file in the clear')]
    const path = join(lab.path('profile'), 'notes.txt')
    writeFileSync(path, Buffer.from(content))
    await ann.driver.chooseFile('Attach file', path)
    const isHere = (): boolean => document.querySelector('[data-phase="here"]') !== null
    await ann.driver.until(isHere, null, 30_000)
    await ann.driver.goto(`${ready.page}build.json`)
    await mayOpenKept(ann.driver)
    await ann.driver.read(downgrade, [2, 3000] as const)
    await ann.driver.read(bareFiles, content)
    expect(await ann.driver.read(rawRows, null)).toContain('kept in the clear')
    await ann.driver.read(() => localStorage.setItem('full', 'yes'), null)
    await ann.driver.goto(String(ready.page))
    expect(await ann.alertCode()).toBe('storage')
    await ann.driver.read(() => localStorage.removeItem('full'), null)
    await ann.driver.reload()
    await ann.waitMessage('kept in the clear, and here', 'sent')
    await ann.driver.until(isHere, null, 30_000)
    const raw = await ann.driver.read(rawRows, null)
    expect(raw.match(/"id"/g)?.length).toBeGreaterThan(3000)
    expect(raw).not.toMatch(/in the clear|older \d|notes\.txt/)
    await ann.waitConnected()
    await ann.driver.until(
      (async () => {
        const root = await navigator.storage.getDirectory()
        const folder = await root.getDirectoryHandle('clawchat-files')
        const names: string[] = []
        for await (const name of (folder as unknown as { keys(): AsyncIterable<string> }).keys())
          names.push(name)
        return names.length === 1 && names.every((name) => name.endsWith('.sealed'))
      }) as never,
      null,
      30_000,
    )
    await ann.driver.reload()
    await ann.driver.until(isHere, null, 30_000)
  },
)
