// Rooms, direct conversations, and messages that change, in real browsers (SPEC §7, §7.4).
import { expect } from 'vitest'
import type { Client } from './client.ts'
import { freePort, labTest } from './harness.ts'

const httpArgs = () => ['--http', `127.0.0.1:${freePort()}`]

const rooms = (client: Client): Promise<string[]> =>
  client.driver.read(
    () =>
      [...document.querySelectorAll('nav[aria-label="Rooms"] .room-name')].map(
        (name) => name.textContent ?? '',
      ),
    null,
  )
const until = (client: Client, test: (arg: string) => boolean, arg: string): Promise<void> =>
  client.driver.until(test as never, arg as never, 45_000)
/** The badge of a room in the list, or none. */
const unread = (client: Client, room: string): Promise<string | null> =>
  client.driver.read(
    (room) =>
      [...document.querySelectorAll('nav[aria-label="Rooms"] .room')]
        .find((one) => one.querySelector('.room-name')?.textContent === room)
        ?.querySelector('.badge')?.firstChild?.textContent ?? null,
    room,
  )
const press = (client: Client, name: string) => client.driver.press(name)
const hasRoom = (client: Client, name: string): Promise<void> =>
  until(
    client,
    (name) =>
      [...document.querySelectorAll('nav[aria-label="Rooms"] .room-name')].some(
        (one) => one.textContent === name,
      ),
    name,
  )
const inRoom = (client: Client, name: string): Promise<void> =>
  until(
    client,
    (name) => document.querySelector('h1')?.textContent?.startsWith(name) === true,
    name,
  )
const stateOf = (client: Client, text: string): Promise<string | undefined> =>
  client.driver.read(
    (text) =>
      [...document.querySelectorAll<HTMLElement>('[role="log"] [data-id]')].find(
        (one) => one.querySelector('[data-part="text"]')?.textContent === text,
      )?.dataset.state,
    text,
  )
/** Changes a choice of the dialog that is open, by its words. */
const tick = (client: Client, words: string): Promise<void> =>
  until(
    client,
    (words) => {
      const labels = [...document.querySelectorAll<HTMLElement>('dialog label')]
      const label = labels.find((one) => one.textContent === words)
      label?.click()
      return label !== undefined
    },
    words,
  )
/** Opens what can be done with the message of this text. */
const menu = (client: Client, text: string): Promise<void> =>
  client.driver.until(
    (text) => {
      const row = [...document.querySelectorAll<HTMLElement>('[role="log"] [data-id]')].find(
        (one) => one.querySelector('[data-part="text"]')?.textContent === text,
      )
      const more = row?.querySelector<HTMLElement>('.more')
      if (row?.querySelector('.actions')) return true
      more?.click()
      return false
    },
    text,
    20_000,
  )

labTest(
  'a room, a direct conversation, and a guest of one room that sees nothing else',
  async (lab) => {
    const { host, ready } = await lab.host(httpArgs())
    const ann = await lab.chromium('Ann')
    const ben = await lab.chromium('Ben')
    await ann.join(String(ready.invite))
    await ben.join(await host.invite())
    await ann.send('to everybody')
    await ben.waitMessage('to everybody')

    await press(ann, 'New room')
    await ann.driver.fill('Name of the room', 'Kitchen')
    await until(ann, () => document.querySelector('.choice input') !== null, '')
    await ann.driver.read(() => document.querySelector<HTMLElement>('.choice input')?.click(), null)
    await press(ann, 'Make the room')
    await inRoom(ann, 'Kitchen')
    await hasRoom(ben, 'Kitchen')
    await ann.send('who cooks?')
    await ann.waitMessage('who cooks?', 'delivered')
    // Ben looks at the other room: there it is counted, and not mixed in.
    await until(
      ben,
      () => document.querySelector('nav .badge')?.firstChild?.textContent === '1',
      '',
    )
    expect(await unread(ben, 'Kitchen')).toBe('1')
    expect(await ben.texts()).toEqual(['to everybody'])
    await press(ben, 'Kitchen 1 unread')
    await ben.waitMessage('who cooks?')
    expect(await ben.texts()).toEqual(['who cooks?'])
    await ann.waitMessage('who cooks?', 'read')

    // Whether others see how far one has read is one's own affair; one's own devices agree all the same.
    await press(ben, 'Settings')
    await tick(ben, 'Others see how far I have read')
    await ben.driver.key('Escape')
    await ann.send('unseen?')
    await ben.waitMessage('unseen?')
    await ben.send('seen')
    await ann.waitMessage('seen')
    await until(ben, () => document.querySelector('nav .badge') === null, '')
    expect(await stateOf(ann, 'unseen?')).toBe('delivered')
    expect(await stateOf(ann, 'who cooks?')).toBe('read')

    // Nothing is left to be read that could mark this as read, too: it is Ben's own, and so never unread.
    await ben.send('still here')
    await ann.waitMessage('still here')
    await press(ben, 'Write to Ann alone')
    await inRoom(ben, 'Ann')
    await ben.send('only for you')
    await hasRoom(ann, 'Ben')
    await until(ann, () => document.querySelector('nav .badge') !== null, '')
    await press(ann, 'Ben 1 unread')
    await ann.waitMessage('only for you')
    await ann.driver.reload()
    await ann.waitConnected()
    expect(await rooms(ann)).toEqual([await rooms(ben).then(([first]) => first), 'Kitchen', 'Ben'])

    const made = await host.command('invite', '--role', 'guest', '--rooms', 'Kitchen')
    const guy = await lab.chromium('Guy')
    await guy.join(String((made.lines[0] as { invite: string }).invite))
    await hasRoom(guy, 'Kitchen')
    await inRoom(guy, 'Kitchen')
    await guy.waitMessage('still here')
    expect(await rooms(guy)).toEqual(['Kitchen'])
    expect(await guy.texts()).toEqual(['who cooks?', 'unseen?', 'seen', 'still here'])
    await guy.send('I do')
    await press(ben, 'Kitchen 1 unread')
    await ben.waitMessage('I do')
    expect(await host.command('invite', '--rooms', 'Cellar')).toMatchObject({ code: 1 })

    // Who is taken out of the last room is told so, keeps nothing of it, and may be let in again.
    await ann.driver.read(
      () => document.querySelectorAll<HTMLElement>('nav .room')[1]?.click(),
      null,
    )
    await inRoom(ann, 'Kitchen')
    await press(ann, 'Kitchen: who is in it')
    await press(ann, 'Take out: Guy')
    const isNowhere = (): boolean =>
      document.querySelector('.empty h2')?.textContent === 'You are in no room'
    await until(guy, isNowhere, '')
    expect(await guy.texts()).toEqual([])
    await guy.driver.reload()
    await guy.waitConnected()
    await until(guy, isNowhere, '')
    await press(ann, 'Let in: Guy')
    await inRoom(guy, 'Kitchen')
    await guy.waitMessage('I do')
  },
  240_000,
)

labTest(
  'reply, edit, react and delete: both see the same, also after a reload, and nothing comes back',
  async (lab) => {
    const { host, ready } = await lab.host(httpArgs())
    const ann = await lab.chromium('Ann')
    const ben = await lab.chromium('Ben')
    await ann.join(String(ready.invite))
    await ben.join(await host.invite())
    await ann.send('a question')
    await ben.waitMessage('a question')

    await menu(ben, 'a question')
    await press(ben, 'Reply')
    await ben.send('an anser')
    await ann.waitMessage('an anser')
    const quote = () =>
      ann.driver.read(() => document.querySelector('.quote')?.textContent ?? null, null)
    expect(await quote()).toBe('You a question')

    await menu(ben, 'an anser')
    await press(ben, 'Edit')
    await ben.driver.fill('Message', 'an answer')
    await ben.driver.key('Enter')
    await ann.waitMessage('an answer')
    expect(await ann.texts()).toEqual(['a question', 'an answer'])
    expect(
      await ann.driver.read(
        () =>
          [...document.querySelectorAll('.meta')].map((meta) =>
            meta.textContent?.includes('edited'),
          ),
        null,
      ),
    ).toEqual([false, true])

    await menu(ann, 'an answer')
    await press(ann, 'React with 👍')
    const reacted = (emoji: string): boolean =>
      document.querySelector('.reactions')?.textContent === emoji
    await until(ben, reacted, '👍 1')
    await press(ben, '👍 1: Ann')
    await until(ann, reacted, '👍 2')

    await menu(ann, 'a question')
    await press(ann, 'Delete for all')
    const isGone = (): boolean => document.querySelector('[data-part="deleted"]') !== null
    await until(ben, isGone, '')
    for (const client of [ann, ben]) {
      expect(await client.texts()).toEqual(['', 'an answer'])
      await client.driver.reload()
      await client.waitConnected()
      await until(client, isGone, '')
      expect(await client.texts()).toEqual(['', 'an answer'])
    }
    // Another's message can be answered, not edited; and the owner may delete it.
    await menu(ann, 'an answer')
    const offered = await ann.driver.read(
      () => [...document.querySelectorAll('.actions button.small')].map((one) => one.textContent),
      null,
    )
    expect(offered).toEqual(['Reply', 'Delete for all'])
  },
  240_000,
)
