// Words for people at the terminal: errors with the next step, events as lines, links and the QR code.
import { renderUnicodeCompact } from 'uqr'
import type { ClawErrorCode } from '../shared/error.ts'
import type { HostEvent, PageLink, WarningCode } from './config.ts'

export interface Words {
  /** what happened, one sentence */
  readonly message: string
  /** what to do next, one sentence */
  readonly next: string
}

const ASK_NEW_INVITE = 'Make a new link with "clawchat invite".'
const TRY_AGAIN = 'Try again; if it happens again, restart the host.'

/** Every code, although some can only come up in the page: a code without words would be a dead end. */
const ERROR_WORDS: Readonly<Record<ClawErrorCode, Words>> = {
  malformed: {
    message: 'The host could not read the request.',
    next: 'Use the same version of ClawChat for the command and the running host.',
  },
  limit: {
    message: 'Something is longer or more than the protocol allows.',
    next: 'Use a shorter name or fewer stores.',
  },
  crypto: { message: 'Something could not be decrypted.', next: TRY_AGAIN },
  'invite-malformed': { message: 'The link is incomplete or mistyped.', next: ASK_NEW_INVITE },
  'invite-version': {
    message: 'The link was made by another version of ClawChat.',
    next: ASK_NEW_INVITE,
  },
  'invite-used': { message: 'The link has been used.', next: ASK_NEW_INVITE },
  'invite-reserved': {
    message: 'Someone is joining with this link right now.',
    next: 'Wait ten minutes, or make a new link with "clawchat invite".',
  },
  'invite-expired': { message: 'The link has expired.', next: ASK_NEW_INVITE },
  'invite-withdrawn': { message: 'The link was withdrawn.', next: ASK_NEW_INVITE },
  'room-unknown': {
    message: 'There is no such room, or there are two of that name.',
    next: 'See names and ids with "clawchat rooms"; make one with "clawchat rooms --make NAME".',
  },
  'push-refused': {
    message: 'The host does not send to this push service.',
    next: 'Its owner can add it with --push-service.',
  },
  'picture-refused': {
    message: 'That is no picture that a member can bear.',
    next: 'Choose it in the page, which makes it small.',
  },
  'invite-unknown': {
    message: 'There is no invite with this id.',
    next: 'See the ids with "clawchat invite --list".',
  },
  'credentials-full': {
    message: 'This host has as many devices and open invites as a record can hold (64).',
    next: 'Withdraw invites that nobody needs with "clawchat invite --withdraw ID".',
  },
  'name-invalid': { message: 'The name is empty or too long.', next: 'Choose another name.' },
  burned: {
    message: 'The owner has burnt that host: its keys may be in wrong hands.',
    next: ASK_NEW_INVITE,
  },
  removed: { message: 'The device was revoked.', next: ASK_NEW_INVITE },
  'device-unknown': {
    message: 'There is no device and no member with devices that has this id.',
    next: 'See the ids with "clawchat members"; who was revoked before is not among them.',
  },
  'not-allowed': {
    message: 'This device may not do that.',
    next: 'Ask the owner of the host.',
  },
  'too-many': { message: 'This device asks too much at once.', next: TRY_AGAIN },
  'record-missing': { message: 'No store holds a record of this host.', next: TRY_AGAIN },
  'record-malformed': { message: 'The record in the store is damaged.', next: TRY_AGAIN },
  'record-no-slot': {
    message: 'The record has no place for this device.',
    next: ASK_NEW_INVITE,
  },
  'record-forged': {
    message: 'The record in the store was not written by this host.',
    next: 'Use another store and check who may write to this one.',
  },
  'record-foreign': { message: 'The record belongs to another host.', next: ASK_NEW_INVITE },
  'record-rollback': { message: 'The store gave back an older record.', next: TRY_AGAIN },
  'record-stale': {
    message: 'The record is older than a day.',
    next: 'Check that the host runs and reaches its store: "clawchat status".',
  },
  'clock-wrong': {
    message: 'The clocks of a device and of this host differ by more than ten minutes.',
    next: 'Let both be set by a time server.',
  },
  'knock-refused': { message: 'The host did not accept the knock.', next: TRY_AGAIN },
  'certificate-foreign': {
    message:
      'What answers at the address of the host shows another certificate than the host’s record names, so nothing was told to it.',
    next: 'Somebody may be in between: try from another network. A host that has just changed its keys is found again within a minute.',
  },
  'handshake-failed': { message: 'The handshake failed.', next: TRY_AGAIN },
  'frame-invalid': { message: 'The connection carried something invalid.', next: TRY_AGAIN },
  'file-unknown': { message: 'There is no such file.', next: TRY_AGAIN },
  'file-too-large': {
    message: 'The file is larger than this host takes.',
    next: 'Raise --max-file.',
  },
  'file-quota': {
    message: 'Files have reached the limit of this host.',
    next: 'Raise --files-quota, or delete messages with large files.',
  },
  'file-member-quota': {
    message: 'The files of this member have reached the limit of this host for one.',
    next: 'Raise --member-quota, or delete messages of theirs with large files.',
  },
  'file-disk-full': { message: 'The disk is full.', next: 'Make room on it.' },
  'file-damaged': {
    message: 'A file is damaged.',
    next: 'Check the disk, and have the file sent again.',
  },
  'file-too-many': { message: 'Too many files wait to be sent.', next: TRY_AGAIN },
  'file-unreadable': { message: 'The file cannot be read.', next: 'Choose another one.' },
  'file-no-room': { message: 'There is no room for the file.', next: 'Make room.' },
  'store-unreachable': {
    message: 'A store cannot be reached.',
    next: 'Check the network and the address given with --store.',
  },
  'store-refused': {
    message: 'A store refused the record.',
    next: 'Check the address given with --store and who may write there.',
  },
  'store-token': {
    message: 'This worker asks for a deploy token before it takes the record of a new host.',
    next: 'Deploy it with "clawchat deploy" from this data folder, or set CLAWCHAT_DEPLOY_TOKEN to its token and start again.',
  },
  'mega-account': {
    message: 'No MEGA account is known here, or its session has ended.',
    next: 'Start in a terminal and answer the questions, or set CLAWCHAT_MEGA_EMAIL and CLAWCHAT_MEGA_PASSWORD; docs/SECURITY_SETUP.md, "MEGA", says more.',
  },
  'mega-file': {
    message:
      'The file with the MEGA account cannot be used: others can read it, or it is not in the form {"email":…,"password":…}.',
    next: 'Let nobody else read it (chmod 600) and check what is in it.',
  },
  'mega-login': {
    message:
      'MEGA knows no account with this e-mail address and password, or it is not confirmed yet.',
    next: 'Check both at mega.nz, then start again with the right ones. This host does not try these again by itself.',
  },
  'mega-2fa': {
    message: 'MEGA asks for a code of the second factor, or did not accept the one given.',
    next: 'Start again with a fresh code in CLAWCHAT_MEGA_CODE, or in a terminal. Each code is tried once.',
  },
  'mega-blocked': {
    message: 'MEGA has blocked this account.',
    next: 'Sign in at mega.nz and follow what it says there, then start this host again.',
  },
  'mega-quota': {
    message: 'The MEGA account is over its quota.',
    next: 'Make room at mega.nz, or use an account of its own for ClawChat. This host tries again in an hour.',
  },
  'mega-session': {
    message: 'MEGA has ended the session of this host.',
    next: 'It signs in again by itself, not before an hour after the last time: MEGA blocks programs that sign in often.',
  },
  'mega-gone': {
    message:
      'The file that holds the record at MEGA, or its link, is gone: links made before find this host by other stores only.',
    next: 'Take the file out of the rubbish bin at mega.nz. If it is lost, stop this host, delete mega.json in its folder and start again: new links then lead to a new file.',
  },
  'no-answer': {
    message: 'The other side does not answer.',
    next: 'Check that the host runs and that no firewall blocks UDP.',
  },
  'no-network': {
    message: 'This computer has no network.',
    next: 'Connect to a network and try again; browsers refuse WebRTC without one.',
  },
  'no-webrtc': { message: 'WebRTC is not available.', next: 'Use a current browser.' },
  'backup-foreign': {
    message: 'This is no backup of ClawChat.',
    next: 'Name a file that "clawchat backup" wrote, of this version or an older one.',
  },
  'backup-damaged': {
    message: 'This backup is damaged or cut short.',
    next: 'Nothing was restored. Take another copy of it, or an older backup.',
  },
  'passphrase-missing': {
    message: 'The keys of this host are behind a passphrase, and nobody gave it.',
    next: 'Start in a terminal and type it, or name a file that holds it: --passphrase-file FILE or CLAWCHAT_PASSPHRASE_FILE.',
  },
  'passphrase-file': {
    message: 'The file with the passphrase cannot be used.',
    next: 'It must be there, have the passphrase as its first line, and be readable by its owner only (chmod 600).',
  },
  'passphrase-wrong': {
    message: 'That is not the passphrase.',
    next: 'Nothing was changed. Try again with the right one.',
  },
  storage: {
    message: 'The data folder cannot be written to.',
    next: 'Check free space and permissions of the folder, then start again.',
  },
  'port-taken': {
    message: 'Another program uses the port of the page.',
    next: 'Stop that program, or start with --http 127.0.0.1:PORT (a new port is a new address: devices that joined by the old one must join again).',
  },
  'address-unusable': {
    message: 'This computer cannot listen on the given address.',
    next: 'Give an address of this computer and a port above 1023 with --http or --udp.',
  },
  'folder-unusable': {
    message: 'The folder cannot be used: it cannot be made, read or written here.',
    next: 'Check its permissions, or name another folder.',
  },
  'folder-foreign': {
    message: 'The folder holds something else than data of this ClawChat version.',
    next: 'Name an empty folder.',
  },
  'folder-locked': {
    message: 'A host already runs on this data folder.',
    next: 'Stop it with "clawchat stop", or start with another folder: --data DIR.',
  },
  'not-running': {
    message: 'No host is running on this data folder.',
    next: 'Start it with "clawchat start", or name its folder with --data DIR.',
  },
  usage: { message: 'Wrong usage.', next: 'See "clawchat --help".' },
  'no-usable-store': {
    message: 'A page at this address could read none of the stores, so the link would not work.',
    next: 'Add a store that others can reach with --store https:URL, or start without --page.',
  },
  'node-too-old': {
    message: 'This Node is too old.',
    next: 'Run "npm install" in the ClawChat folder, or install Node 24.',
  },
  'page-incomplete': {
    message: 'A part of the page could not be loaded.',
    next: 'Open the page again once where it comes from answers.',
  },
  'page-missing': {
    message: 'The page has not been built.',
    next: 'Run "npm run build" in the ClawChat folder.',
  },
  superseded: {
    message:
      'Another copy of this host is running: a store holds a record that this one never published. This one has stopped, so that no message is lost between two.',
    next: 'Stop the other copy, or delete this folder if the other is the right one; then start this one with --take-over.',
  },
  'deploy-failed': {
    message: 'The worker was not deployed; what wrangler said stands above.',
    next: 'Log in with "npx wrangler login", or set CLOUDFLARE_API_TOKEN, and run "clawchat deploy" again.',
  },
  'wrangler-missing': {
    message: 'Deploying needs wrangler, the tool of Cloudflare, and it is not installed here.',
    next: 'Run "npm install" in the ClawChat folder without --omit=dev, then "clawchat deploy" again.',
  },
  internal: {
    message: 'Something went wrong inside ClawChat.',
    next: 'Start again; if it happens again, report it.',
  },
}

export const errorWords = (code: ClawErrorCode): Words => ERROR_WORDS[code]

const WARNINGS: Readonly<Record<WarningCode, string>> = {
  'clock-offset': 'CLAWCHAT_CLOCK_OFFSET is set: this host uses a shifted clock. For tests only.',
  'proxy-ignored':
    'HTTPS_PROXY is set, and this Node cannot use it: stores are reached directly. Install a current Node 24, or start with NODE_USE_ENV_PROXY=1.',
  'page-unreachable':
    'The address of the page does not answer, so links may not open. Check it, and that "clawchat page" was uploaded there, or run "clawchat deploy" for a worker.',
  'page-version':
    'The address of the page serves another version of it. Upload it anew: "clawchat page --out DIR", or "clawchat deploy" for a worker.',
  'no-address':
    'This computer has no network address: browsers refuse WebRTC until it is connected to a network.',
  'origin-changed':
    'The page has a new address, and browsers keep their keys by address: devices that joined at the old one need a new link. Yours is below; for the others: "clawchat invite".',
  'unknown-variable':
    'no option of this version has this variable; it changes nothing. "clawchat config" shows what holds.',
}

function warningText({ code, variable, meant }: Extract<HostEvent, { event: 'warning' }>): string {
  if (variable === undefined) return `Warning: ${WARNINGS[code]}`
  const hint = meant ? ` Did you mean ${meant}?` : ''
  return `Warning: ${variable}: ${WARNINGS[code]}${hint}`
}

/** A QR code two rows to a line; dark modules are drawn light, as terminals mostly are dark. */
export const qrCode = (link: string): string => renderUnicodeCompact(link, { border: 2 })

const ONLY_HERE =
  'This link works on this computer only. Same Wi-Fi: `clawchat start --lan`. Anywhere: `clawchat deploy`, or put `clawchat page` on an https host and start with `--page`.'

/** The link, and its QR code or the sentence why there is none. */
export function linkText(link: string, reach: PageLink['reach']): string {
  return reach === 'computer' ? `${link}\n\n${ONLY_HERE}` : `${link}\n\n${qrCode(link)}`
}

/** Date and time where the person is; programs get ISO 8601 in UTC (`--json`). */
export const formatMoment = (iso: string): string => new Date(iso).toLocaleString('sv-SE')

/** In the host itself: that they have the record is no news. */
const OWN_STORES: readonly string[] = ['file', 'embedded']

/** A line or more for the person who watches `start`, or nothing. */
export function eventText(event: HostEvent): string {
  switch (event.event) {
    case 'ready':
      return readyText(event)
    case 'notice':
      return `Port ${event.port} will change at ${formatMoment(event.at)}.`
    case 'rotated':
      return `Port ${event.previousPort} → ${event.port}; the old one closes at ${formatMoment(event.graceEndsAt)}.`
    case 'closed':
      return `Port ${event.port} is closed.`
    case 'published':
      if (OWN_STORES.includes(event.store)) return ''
      return `Published record ${event.seq} to ${event.store}.`
    case 'store-failed':
      return storeFailedText(event.store, event.code)
    case 'enrolled':
      return `A device joined (${short(event.device)}).`
    case 'connected':
      return `Device ${short(event.device)} is connected (${event.route}).`
    case 'disconnected':
      return `Device ${short(event.device)} is disconnected.`
    case 'revoked':
      return `Device ${short(event.device)} was revoked.`
    case 'burnt':
      return `The identity ${short(event.identity)} is burnt. This folder starts again with a new one.`
    case 'warning':
      return warningText(event)
    case 'stopped':
      return 'Stopped.'
  }
}

/** What only the owner can mend comes with what to do. */
function storeFailedText(store: string, code: string): string {
  const told = code.startsWith('mega-') || code === 'store-token'
  const words = told ? ERROR_WORDS[code as ClawErrorCode] : undefined
  if (words === undefined) return `Could not publish to ${store} (${code}); will try again.`
  return `Could not publish to ${store} (${code}). ${words.message} ${words.next}`
}

const short = (id: string): string => id.slice(0, 8)

function readyText(event: Extract<HostEvent, { event: 'ready' }>): string {
  const lines = ['ClawChat is running.', ...event.pages.map(pageLine), `Data: ${event.dataDir}`]
  if (event.pages.some((page) => page.reach === 'lan' && !page.secure)) {
    lines.push(
      'On the local network the page comes without https: someone on this Wi-Fi could alter it. Use it only on networks you trust.',
    )
  }
  if (event.invite === null) {
    lines.push('', 'Invite someone with "clawchat invite". Stop with Ctrl+C.')
  } else {
    const reach = event.pages[0]?.reach ?? 'computer'
    lines.push('', 'Open this link to join as the owner. It works once; share it with nobody:', '')
    lines.push(linkText(event.invite, reach), '', 'Stop with Ctrl+C.')
  }
  return lines.join('\n')
}

const REACH_WORDS = {
  computer: 'this computer only',
  lan: 'the local network',
  anywhere: 'anywhere',
} as const
export const pageLine = (page: PageLink): string => `Page: ${page.url} (${REACH_WORDS[page.reach]})`
