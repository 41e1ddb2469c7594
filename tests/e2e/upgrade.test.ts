// A page that finds what an older one kept brings it up, and loses nothing (web/device.ts).
import { expect } from 'vitest'
import { freePort, labTest } from './harness.ts'

/** Writes the database as version 1 had it: one room, messages that never change. Runs where no page has it open. */
async function downgrade(): Promise<void> {
  const done = <T>(request: IDBRequest<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
    })
  const now = await done(indexedDB.open('clawchat'))
  const names = ['profile', 'messages', 'outbox'] as const
  const kept = new Map<string, [IDBValidKey, Record<string, unknown>][]>()
  for (const name of names) {
    const store = now.transaction(name).objectStore(name)
    const [keys, rows] = await Promise.all([done(store.getAllKeys()), done(store.getAll())])
    kept.set(
      name,
      keys.map((key, i) => [key, rows[i]]),
    )
  }
  now.close()
  await done(indexedDB.deleteDatabase('clawchat'))
  const opening = indexedDB.open('clawchat', 1)
  opening.onupgradeneeded = () => {
    const db = opening.result
    db.createObjectStore('profile')
    const messages = db.createObjectStore('messages', { keyPath: 'id' })
    messages.createIndex('seq', 'seq')
    messages.createIndex('written', 'written')
    db.createObjectStore('outbox', { keyPath: 'number' })
    db.createObjectStore('lease')
  }
  const old = await done(opening)
  const without = (row: Record<string, unknown>, fields: readonly string[]) =>
    Object.fromEntries(Object.entries(row).filter(([field]) => !fields.includes(field)))
  const writing = old.transaction(names, 'readwrite')
  for (const [key, row] of kept.get('profile') ?? []) {
    const fresh = ['rooms', 'read', 'readBy', 'receipts', 'behind']
    const profile = { ...without(row, fresh), roomName: 'Home', behind: false }
    writing.objectStore('profile').put(profile, key)
  }
  for (const [, row] of kept.get('messages') ?? []) {
    const fresh = ['room', 'edited', 'deleted', 'change', 'replyTo', 'reactions']
    // Another text than the host has: what is shown later comes from here.
    writing.objectStore('messages').put({ ...without(row, fresh), text: `${row.text}, and here` })
  }
  await new Promise((resolve) => {
    writing.oncomplete = resolve
  })
  old.close()
}

labTest('what version 1 of the page kept is all there, and the chat goes on', async (lab) => {
  const { ready } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
  const ann = await lab.chromium('Ann')
  await ann.join(String(ready.invite))
  await ann.send('kept by the page before')
  await ann.waitMessage('kept by the page before', 'sent')
  // Another document of the origin, so that nothing holds the database open.
  await ann.driver.goto(`${ready.page}build.json`)
  await ann.driver.read(downgrade as never, null)
  await ann.driver.goto(String(ready.page))
  await ann.waitMessage('kept by the page before, and here', 'sent')
  await ann.waitConnected()
  await ann.send('and now')
  await ann.waitMessage('and now', 'sent')
  expect(await ann.texts()).toEqual(['kept by the page before, and here', 'and now'])
})
