// In the browser of stage.ts: `show` draws the views for a state. What the views ask for is not done.
import { render } from 'preact'
import { type Language, onWords, speak, speakAll, takeWords } from '../../web/language.ts'
import { en } from '../../web/messages/en.ts'
import type { AppState, Engine, Step } from '../../web/model.ts'
import { followTheme } from '../../web/theme.ts'
import { App } from '../../web/views/App.tsx'
import { CHAT, DIALOGS, RESULTS } from '../../web/views/parts.ts'

declare global {
  var show: (change: Partial<AppState>, secure: boolean) => void
  var openedOnStage: string[]
  /** all parts of the page are here */
  var stageBuilt: Promise<unknown>
  var speakOnStage: (language: Language) => Promise<void>
}

const nothing = (): void => undefined
const steps: readonly Step[] = (['record', 'verify', 'direct', 'handshake', 'sync'] as const).map(
  (name) => ({ name, status: 'done', ms: 1, code: null, facts: {} }),
)
const connected: AppState = {
  ...{ phase: 'chat', keepMs: 0, endings: 0 },
  hostName: 'Family',
  room: '00'.repeat(16),
  roomName: 'Family',
  rooms: [
    {
      ...{ id: '00'.repeat(16), kind: 'room', name: 'Family', members: [], unread: 0, mentions: 0 },
      ...{ mine: false, leavable: false, lifeMs: 0, isTimer: false, goneUpTo: 0 },
    },
  ],
  ...{ typing: [], readUpTo: 0, newAfter: 0, receipts: true },
  otherChat: null,
  me: 'a1',
  members: [
    {
      id: 'a1',
      name: 'Ann',
      role: 'owner',
      online: true,
      gone: false,
      hidden: false,
      tone: 0,
      picture: '',
      lastSeenMs: 0,
    },
  ],
  devices: [],
  invites: [],
  asked: null,
  messages: [],
  transfers: [],
  ...{ hasOlder: false, hasNewer: false, target: null },
  loadingOlder: false,
  connection: { state: 'connected', route: 'direct', epoch: 1, latencyMs: 3, steps },
  security: null,
  error: null,
  clock: null,
  handover: null,
}

let last: readonly [Partial<AppState>, boolean] | null = null
takeWords(en, 'en', navigator.languages)
followTheme()
onWords(() => {
  if (last !== null) globalThis.show(...last)
})
globalThis.speakOnStage = async (language) => {
  await speak(language)
  await speakAll()
}
globalThis.openedOnStage = []
// Here they are parts of this script; the words come with them, and with the words their direction.
globalThis.stageBuilt = Promise.all([CHAT.load(), DIALOGS.load(), RESULTS.load()])

globalThis.show = (change, secure) => {
  last = [change, secure]
  const root = document.getElementById('app')
  if (root === null) throw new Error('bug: the stage has no #app')
  const state = { ...connected, ...change }
  const engine: Engine = {
    state,
    subscribe: () => nothing,
    join: nothing,
    ask: {
      ...{ invite: nothing, addDevice: nothing, withdraw: nothing, dismiss: nothing },
      ...{ removeDevice: nothing, removeMember: nothing, picture: nothing },
      ...{ renameMember: nothing, renameDevice: nothing },
      ...{ makeRoom: nothing, talkTo: nothing, renameRoom: nothing },
      ...{ addToRoom: nothing, leaveRoom: nothing, profile: nothing, overview: nothing },
      setLifetime: nothing,
    },
    dismiss: nothing,
    talk: {
      ...{
        openRoom: (room: string) => void globalThis.openedOnStage.push(room),
        send: nothing,
        retryMessage: nothing,
        edit: nothing,
      },
      ...{ remove: nothing, react: nothing, typing: nothing, shareReceipts: nothing },
      ...{ loadOlder: nothing, loadNewer: nothing, jump: nothing, toNewest: nothing },
    },
    seek: {
      search: async () => ({ hits: [], next: null, isKept: false }),
      jumpTo: async () => true,
      earlier: async () => [],
    },
    files: {
      ...{ send: nothing, voice: nothing, again: nothing, fetch: nothing, pause: nothing },
      ...{ resume: nothing, cancel: nothing, content: async () => null, open: async () => null },
    },
    notifications: {
      settings: { on: false, tells: 'nothing', sound: false, muted: [] },
      ...{ change: nothing, permission: 'default', allow: async () => undefined },
      ...{ push: 'off', look: async () => undefined, setPush: nothing },
    },
    lock: { isSet: false, change: async () => undefined, now: nothing },
    retry: nothing,
    handOver: async () => true,
  }
  const version = { value: { build: 'b1'.repeat(32), newer: null }, use: nothing }
  render(<App state={state} engine={engine} secure={secure} version={version} />, root)
}
