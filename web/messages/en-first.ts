// English: what is said before a browser is connected, and with it what never hangs on a chat; the rest is in en.ts.
import { countIn, listIn } from './catalogue.ts'
import { errors, files } from './en-errors.ts'

const count = countIn('en')
const list = listIn('en')

export const first = {
  errors,
  files,
  common: {
    tryAgain: 'Try again',
    close: 'Close',
    someone: 'Someone',
    you: 'You',
    notYet: 'not yet',
    unknown: 'unknown',
    hereNow: 'here now',
    thisBrowser: 'this browser',
    listed: (names: readonly string[]) => list(names),
  },
  start: {
    starting: 'ClawChat is starting.',
    failed: 'ClawChat could not start',
    blankTitle: 'A private chat with one machine',
    blank:
      'This page opens with a link from whoever runs the host. Ask them for one, then open it here: nothing to install, no account.',
    blankOwner:
      'You run the host yourself? `npm start` prints your link; `npx clawchat invite` makes one for somebody else.',
    olderTab: 'An older page is open in another tab',
    olderTabNext:
      'Close the other tabs of this chat, or reload them. This one then goes on by itself; nothing is lost.',
    plainHttp:
      'This page came without https. Someone on this Wi-Fi could alter it. Use it only on networks you trust.',
  },
  join: {
    title: (host: string) => `${host} invites you to a private chat`,
    lead: 'It runs on their own machine. Nobody else can read it, and there is nothing to install.',
    name: 'Your name',
    join: 'Join',
    back: (chat: string) => `Back to ${chat}`,
    joining: (step: string) => `Joining: ${step}…`,
    moment: 'one moment',
    pressJoin: 'Press Join.',
    fine: 'The link lets in as many browsers as its maker allowed, usually one. Once in, this browser is remembered and needs no link; the owner can remove it at any time.',
    steps: {
      record: 'looking for the host',
      verify: 'checking its signature',
      direct: 'knocking',
      handshake: 'agreeing on keys',
      mailbox: 'meeting halfway',
      relay: 'asking a relay',
      sync: 'fetching messages',
    },
  },
  name: {
    control: 'This name has a control character in it. Type it by hand.',
    tooLong: (bytes: number) =>
      `Too long by ${count(bytes, { one: 'one byte', other: '# bytes' })}. A plain letter takes one, an accented one two, an emoji four or more.`,
  },
  file: {
    open: 'Open address file',
    openWhy:
      'The owner can give you the host’s address as a file, record.bin. You may also drop it on this page.',
    dropHere: 'Drop the host’s record.bin here',
    taken: 'The address file is good.',
  },
  attachment: {
    get: 'Get',
    pause: 'Pause',
    goOn: 'Go on',
    cancel: 'Cancel',
    save: 'Save',
    open: 'Open',
    show: 'Show',
    hide: 'Hide',
    again: 'Try again',
    choose: 'Choose it again',
    waiting: 'waiting',
    paused: 'paused',
    tooLarge: 'This picture is too large to be shown here.',
    sending: (name: string) => `Sending ${name}`,
    getting: (name: string) => `Getting ${name}`,
    opening: (name: string) => `Opening ${name}`,
    of: (part: string, whole: string) => `${part} of ${whole}`,
    record: 'Record voice note',
    stop: 'Stop and send',
    discard: 'Discard voice note',
    recording: 'Recording',
    refused: 'The browser does not let this page use the microphone.',
    tooShort: 'Nothing was recorded. Speak a little longer.',
    dropHere: 'Drop files here to send them',
  },
  settings: {
    title: 'Settings',
    language: 'Language',
    asBrowser: 'As the browser is set',
    languageFailed: 'This language could not be loaded. Try again once the host answers.',
    theme: 'Look',
    themes: {
      system: 'As the device is set',
      light: 'Light',
      dark: 'Dark',
      'contrast-light': 'High contrast, light',
      'contrast-dark': 'High contrast, dark',
    },
    receipts: 'Others see how far I have read',
  },
  span: {
    minutes: (n: number) => count(n, { one: '# minute', other: '# minutes' }),
    hours: (n: number) => count(n, { one: '# hour', other: '# hours' }),
    days: (n: number) => count(n, { one: '# day', other: '# days' }),
    weeks: (n: number) => count(n, { one: '# week', other: '# weeks' }),
    years: (n: number) => count(n, { one: '# year', other: '# years' }),
    atLeast: (span: string) => `at least ${span}`,
  },
  clock: {
    hostAhead: (span: string) => `The host’s clock is ${span} ahead.`,
    hostBehind: (span: string) => `The host’s clock is ${span} behind.`,
    hostWhy: 'This device and a store agree on another time.',
    hostNext: 'The chat works all the same. Ask the owner to set the host’s clock.',
    deviceAhead: (span: string) => `This device’s clock is ${span} ahead.`,
    deviceBehind: (span: string) => `This device’s clock is ${span} behind.`,
    deviceLateWhy: 'The host’s address is of a later time, and nobody answers there.',
    deviceLateNext: 'Set the clock, then try again.',
    deviceWhy: 'That is compared with the host.',
    deviceNext: 'The chat works all the same. Set the clock, so that times are right.',
  },
}
