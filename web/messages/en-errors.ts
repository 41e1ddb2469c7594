// English: what happened, why, and what to do next, for every code that may reach a person here (SPEC §9).
import { type ErrorWords, words } from './catalogue.ts'

const ASK = 'Ask the owner for a new link.'
const HERE = 'This happens on the host, not in this browser.'

export const errors = {
  malformed: words(
    'The host sent something this page does not understand.',
    'The page and the host may be of different versions.',
    'Reload the page.',
  ),
  limit: words(
    'That is too long to send.',
    'A message holds at most 16 000 bytes.',
    'Send it in parts.',
  ),
  crypto: words(
    'A check of the encryption failed.',
    'Something was damaged or changed on the way.',
    'Try again.',
  ),
  'invite-malformed': words(
    'This link is not complete.',
    'It was mistyped or cut short on the way.',
    'Open the whole link again, or ask for a new one.',
  ),
  'invite-version': words(
    'This link is of another version of ClawChat.',
    'The page is older or newer than the host.',
    'Reload the page, or open the link where it was made for.',
  ),
  'invite-used': words(
    'This link was already used.',
    'A link lets only so many browsers in, usually one.',
    `${ASK} If you did not use it, tell them: somebody else did.`,
  ),
  'invite-reserved': words(
    'Somebody is joining with this link right now.',
    'It lets in only so many browsers, usually one, and others began first.',
    'Try again in ten minutes, or ask for a new link.',
  ),
  'invite-expired': words('This link has expired.', 'Links are good for a limited time.', ASK),
  'invite-withdrawn': words('This link was withdrawn.', 'The owner took it back.', ASK),
  'room-unknown': words(
    'There is no such room any more.',
    'Somebody may have renamed it, or taken you out.',
    ASK,
  ),
  'push-refused': words(
    'The host does not send to this browser’s push service.',
    'It sends to the services of Chrome, Edge, Firefox and Safari, and to those that its owner adds.',
    'Ask the owner.',
  ),
  'picture-refused': words(
    'That is no picture that can stand here.',
    'It has to be small and square; the page makes it so.',
    'Choose another picture.',
  ),
  'invite-unknown': words('The host does not know this link.', 'It may be of another host.', ASK),
  'credentials-full': words(
    'The host has no room for another device.',
    'It holds at most 64 devices and open links.',
    'Ask the owner to withdraw links or remove devices.',
  ),
  'name-invalid': words(
    'This name cannot be used.',
    'It is empty, longer than 48 bytes, or has control characters in it.',
    'Choose another name.',
  ),
  burned: words(
    'The owner has burnt this host.',
    'Its keys may be in wrong hands, so the keys and the history of this chat were deleted here.',
    'Ask the owner, face to face or by phone, for a new link.',
  ),
  removed: words(
    'This device was removed from the chat.',
    'The owner revoked it, so the host lets it in no more. What is here stays here.',
    ASK,
  ),
  'device-unknown': words('The host knows no such device.', HERE, 'Ask the owner.'),
  'not-allowed': words(
    'The host does not allow you that.',
    'Only the owner may do it, or whoever it belongs to.',
    'Ask the owner.',
  ),
  'too-many': words(
    'That was too much at once.',
    'The host does about ten such things a minute for each device.',
    'Wait a minute, then try again.',
  ),
  'record-missing': words(
    'The host could not be found.',
    'No store has its address: the host may be off, or the stores out of reach.',
    'Check that the host is running, then try again.',
  ),
  'record-malformed': words(
    'What was found is not the address of a host.',
    'A store gave back something else, perhaps a log-in page of this network.',
    'Check your connection, then try again.',
  ),
  'record-no-slot': words(
    'The host’s address is not for this browser.',
    'The link was used, withdrawn or mistyped, or this device was removed.',
    ASK,
  ),
  'record-forged': words(
    'The host’s address failed its check.',
    'It was changed by somebody without the host’s key.',
    'Try again. If it stays, tell the owner.',
  ),
  'record-foreign': words(
    'This address belongs to another host.',
    'The store holds the record of somebody else.',
    ASK,
  ),
  'record-rollback': words(
    'A store gave back an old address.',
    'It is out of date, or holds something back.',
    'Try again later, or tell the owner.',
  ),
  'record-stale': words(
    'The host’s address is out of date.',
    'The host has not been heard of for more than a day, or the clock of this device is wrong.',
    'Check that the host is running and the clock is right, then try again.',
  ),
  'clock-wrong': words(
    'A clock is wrong.',
    'This device and the host differ by more than ten minutes.',
    'Set the clock, then try again.',
  ),
  'knock-refused': words(
    'The host did not accept the knock.',
    'The clock of this device may be wrong.',
    'Check the clock, then try again.',
  ),
  'certificate-foreign': words(
    'Something else answers at the host’s address.',
    'It shows another certificate than the host’s record names, so nothing was told to it.',
    'Try from another network. If it stays, ask the owner.',
  ),
  'handshake-failed': words(
    'The host could not prove who it is.',
    'Something between you and the host interferes, or this device was removed.',
    'Try again. If it stays, ask the owner.',
  ),
  'frame-invalid': words(
    'The connection was broken off.',
    'Something damaged or forged came in.',
    'It comes back by itself.',
  ),
  'file-unknown': words(
    'The host does not have this file.',
    'Its message was deleted, or it waited too long to be sent.',
    'Send it again, or ask who sent it.',
  ),
  'file-too-large': words(
    'This file is too large for this host.',
    'Its owner set a limit for one file (--max-file).',
    'Send it in parts, or ask the owner to raise the limit.',
  ),
  'file-quota': words(
    'The host has no room for this file.',
    'Its files have reached the limit that its owner set (--files-quota).',
    'Delete messages with large files, or ask the owner to raise the limit.',
  ),
  'file-member-quota': words(
    'Your files take as much as this host gives one member.',
    'Its owner set that limit (--member-quota).',
    'Delete messages of yours with large files, or ask the owner to raise the limit.',
  ),
  'file-disk-full': words(
    'The host’s disk is full.',
    'It keeps the rest free for messages.',
    'Ask the owner to make room, then try again.',
  ),
  'file-damaged': words(
    'This file is damaged.',
    'What came is not what was sent, so nothing of it was kept.',
    'Try again. If it stays, ask for it once more.',
  ),
  'file-too-many': words(
    'Too many files wait to be sent.',
    'The host takes sixteen at a time from one member.',
    'Wait until some are through, or cancel one.',
  ),
  'file-unreadable': words(
    'The file cannot be read any more.',
    'It was moved or changed, or the page was loaded anew since.',
    'Choose the same file once more, and it goes on from where it stopped.',
  ),
  'file-no-room': words(
    'This browser has no room for this file.',
    'Its storage is full; on a page without https it holds files up to 64 MiB only.',
    'Make room, or open the chat by https or on the host’s own computer.',
  ),
  'store-unreachable': words(
    'A store could not be reached.',
    'It is down, or your connection is.',
    'Check your connection, then try again.',
  ),
  'store-refused': words(
    'A store refused to answer.',
    'It may be overloaded.',
    'Try again in a minute.',
  ),
  'mega-account': words('The host is not signed in to MEGA.', HERE, 'Ask the owner.'),
  'mega-file': words('The host’s file for MEGA cannot be used.', HERE, 'Ask the owner.'),
  'mega-login': words('MEGA did not let the host sign in.', HERE, 'Ask the owner.'),
  'mega-2fa': words('MEGA asks the host for a second factor.', HERE, 'Ask the owner.'),
  'mega-blocked': words('MEGA has blocked the host’s account.', HERE, 'Ask the owner.'),
  'mega-quota': words('The host’s MEGA account is over its quota.', HERE, 'Ask the owner.'),
  'mega-session': words('MEGA has ended the host’s session.', HERE, 'Ask the owner.'),
  'mega-gone': words('The host’s file at MEGA is gone.', HERE, 'Ask the owner.'),
  'store-token': words('A store asks the host for a token.', HERE, 'Ask the owner.'),
  'no-answer': words(
    'The host does not answer.',
    'The router may have restarted, the host may be off, or a firewall drops the packets.',
    'Check that the host is running and its firewall lets UDP in, then try again.',
  ),
  'no-network': words(
    'Browsers refuse WebRTC while this computer has no network.',
    'Not even a chat with this computer itself is possible then.',
    'Connect to any network, then try again.',
  ),
  'no-webrtc': words(
    'This browser cannot connect.',
    'WebRTC is missing or switched off.',
    'Use another browser, or allow WebRTC in this one.',
  ),
  'passphrase-missing': words('The host’s keys are behind a passphrase.', HERE, 'Ask the owner.'),
  'passphrase-file': words(
    'The host’s file with its passphrase cannot be used.',
    HERE,
    'Ask the owner.',
  ),
  'backup-foreign': words('The host’s backup is none.', HERE, 'Ask the owner.'),
  'backup-damaged': words('The host’s backup is damaged.', HERE, 'Ask the owner.'),
  'passphrase-wrong': words(
    'That is not the PIN or passphrase.',
    'A wrong one opens nothing.',
    'Nothing was changed. Try again.',
  ),
  storage: words(
    'This browser keeps nothing.',
    'Its storage is full, blocked or was cleared.',
    'Allow storage for this page, then open your link again.',
  ),
  'port-taken': words('A port is taken.', HERE, 'Ask the owner.'),
  'address-unusable': words('An address cannot be used.', HERE, 'Ask the owner.'),
  'folder-unusable': words('The host’s folder cannot be used.', HERE, 'Ask the owner.'),
  'folder-foreign': words('The host’s folder holds other files.', HERE, 'Ask the owner.'),
  'folder-locked': words('Another host uses that folder.', HERE, 'Ask the owner.'),
  'not-running': words('The host is not running.', HERE, 'Ask the owner to start it.'),
  usage: words('The host was told something it does not understand.', HERE, 'Ask the owner.'),
  'no-usable-store': words('No store can be read from this page.', HERE, 'Ask the owner.'),
  'node-too-old': words('The host’s Node is too old.', HERE, 'Ask the owner.'),
  'page-incomplete': words(
    'A part of this page is missing.',
    'It could not be loaded: there is no network, or where it comes from does not answer, or has another version by now.',
    'Try again; if that does not help, reload the page.',
  ),
  'page-missing': words('The page was not built.', HERE, 'Ask the owner.'),
  'deploy-failed': words('The worker was not deployed.', HERE, 'Ask the owner.'),
  'wrangler-missing': words('Wrangler is not installed.', HERE, 'Ask the owner.'),
  superseded: words('Another copy of the host is running.', HERE, 'Ask the owner.'),
  internal: words(
    'Something went wrong in this page.',
    'This is a defect of ours.',
    'Reload the page.',
  ),
} satisfies ErrorWords

const OWNER = 'Ask the owner for the newest record.bin.'
const NOT_A_RECORD = words(
  'This file is not the address of a host.',
  'A file record.bin has exactly 6144 bytes and was written by the host.',
  OWNER,
)
/** Of an address file that was handed over and not taken. */
export const files = {
  'record-malformed': NOT_A_RECORD,
  'record-forged': words(
    'This file failed its check.',
    'It was damaged, or changed by somebody without the host’s key.',
    OWNER,
  ),
  'record-foreign': words(
    'This file is of another host.',
    'Its key is not the one known here.',
    OWNER,
  ),
  'record-no-slot': words(
    'This file is not for this browser.',
    'It is of another host, of before you joined, or of after you were removed.',
    `${OWNER} If you have not joined yet, open your link first.`,
  ),
  'record-rollback': words(
    'This file is older than what this browser knows.',
    'The host has moved on since it was written.',
    OWNER,
  ),
}
