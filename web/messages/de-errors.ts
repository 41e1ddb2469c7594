// German: what happened, why, and what to do next, for every code that may reach a person here (SPEC §9).
import { type ErrorWords, words } from './catalogue.ts'

const ASK = 'Bitte den Eigentümer um einen neuen Link.'
const OWNER_KNOWS = 'Frag den Eigentümer.'
const HERE = 'Das geschieht auf dem Host, nicht in diesem Browser.'

export const errors = {
  malformed: words(
    'Der Host hat etwas geschickt, das diese Seite nicht versteht.',
    'Seite und Host sind vielleicht von verschiedenen Versionen.',
    'Lade die Seite neu.',
  ),
  limit: words(
    'Das ist zu lang zum Senden.',
    'Eine Nachricht fasst höchstens 16 000 Bytes.',
    'Sende es in Teilen.',
  ),
  crypto: words(
    'Eine Prüfung der Verschlüsselung ist fehlgeschlagen.',
    'Unterwegs wurde etwas beschädigt oder verändert.',
    'Versuche es erneut.',
  ),
  'invite-malformed': words(
    'Dieser Link ist nicht vollständig.',
    'Er wurde vertippt oder unterwegs abgeschnitten.',
    'Öffne den ganzen Link noch einmal, oder bitte um einen neuen.',
  ),
  'invite-version': words(
    'Dieser Link ist von einer anderen Version von ClawChat.',
    'Die Seite ist älter oder neuer als der Host.',
    'Lade die Seite neu, oder öffne den Link dort, wofür er gemacht wurde.',
  ),
  'invite-used': words(
    'Dieser Link wurde schon benutzt.',
    'Ein Link lässt nur so und so viele Browser ein, meist einen.',
    `${ASK} Wenn nicht du ihn benutzt hast, sag es: dann war es jemand anderes.`,
  ),
  'invite-reserved': words(
    'Mit diesem Link tritt gerade jemand bei.',
    'Er lässt nur so und so viele Browser ein, meist einen, und andere haben vorher begonnen.',
    'Versuche es in zehn Minuten erneut, oder bitte um einen neuen Link.',
  ),
  'invite-expired': words(
    'Dieser Link ist abgelaufen.',
    'Links gelten für eine begrenzte Zeit.',
    ASK,
  ),
  'invite-withdrawn': words(
    'Dieser Link wurde zurückgezogen.',
    'Der Eigentümer hat ihn zurückgenommen.',
    ASK,
  ),
  'room-unknown': words(
    'Diesen Raum gibt es nicht mehr.',
    'Vielleicht hat ihn jemand umbenannt oder dich herausgenommen.',
    ASK,
  ),
  'push-refused': words(
    'Der Host sendet nicht an den Push-Dienst dieses Browsers.',
    'Er sendet an die Dienste von Chrome, Edge, Firefox und Safari und an die, die sein Eigentümer hinzufügt.',
    'Frage den Eigentümer.',
  ),
  'picture-refused': words(
    'Das ist kein Bild, das hier stehen kann.',
    'Es muss klein und quadratisch sein; die Seite macht es so.',
    'Wähle ein anderes Bild.',
  ),
  'invite-unknown': words(
    'Der Host kennt diesen Link nicht.',
    'Vielleicht ist er von einem anderen Host.',
    ASK,
  ),
  'credentials-full': words(
    'Der Host hat keinen Platz für ein weiteres Gerät.',
    'Er fasst höchstens 64 Geräte und offene Links.',
    'Bitte den Eigentümer, Links zurückzuziehen oder Geräte zu entfernen.',
  ),
  'name-invalid': words(
    'Dieser Name geht nicht.',
    'Er ist leer, länger als 48 Bytes oder enthält Steuerzeichen.',
    'Wähle einen anderen Namen.',
  ),
  burned: words(
    'Der Eigentümer hat diesen Host verbrannt.',
    'Seine Schlüssel sind vielleicht in falschen Händen; Schlüssel und Verlauf dieses Chats sind hier gelöscht.',
    'Bitte den Eigentümer, persönlich oder am Telefon, um einen neuen Link.',
  ),
  removed: words(
    'Dieses Gerät wurde aus dem Chat entfernt.',
    'Der Eigentümer hat es widerrufen, der Host lässt es nicht mehr ein. Was hier ist, bleibt hier.',
    ASK,
  ),
  'device-unknown': words('Der Host kennt dieses Gerät nicht.', HERE, OWNER_KNOWS),
  'not-allowed': words(
    'Der Host erlaubt dir das nicht.',
    'Das darf nur der Eigentümer, oder wem es gehört.',
    OWNER_KNOWS,
  ),
  'too-many': words(
    'Das war zu viel auf einmal.',
    'Der Host macht für jedes Gerät etwa zehn solche Dinge in der Minute.',
    'Warte eine Minute und versuche es erneut.',
  ),
  'record-missing': words(
    'Der Host wurde nicht gefunden.',
    'Keine Ablage hat seine Adresse: der Host ist vielleicht aus, oder die Ablagen sind nicht erreichbar.',
    'Prüfe, ob der Host läuft, und versuche es erneut.',
  ),
  'record-malformed': words(
    'Was gefunden wurde, ist nicht die Adresse eines Hosts.',
    'Eine Ablage gab etwas anderes zurück, vielleicht eine Anmeldeseite dieses Netzes.',
    'Prüfe deine Verbindung und versuche es erneut.',
  ),
  'record-no-slot': words(
    'Die Adresse des Hosts ist nicht für diesen Browser.',
    'Der Link wurde benutzt, zurückgezogen oder vertippt, oder dieses Gerät wurde entfernt.',
    ASK,
  ),
  'record-forged': words(
    'Die Adresse des Hosts hat ihre Prüfung nicht bestanden.',
    'Jemand ohne den Schlüssel des Hosts hat sie verändert.',
    'Versuche es erneut. Bleibt es so, sag es dem Eigentümer.',
  ),
  'record-foreign': words(
    'Diese Adresse gehört einem anderen Host.',
    'In der Ablage liegt ein fremder Eintrag.',
    ASK,
  ),
  'record-rollback': words(
    'Eine Ablage gab eine alte Adresse zurück.',
    'Sie ist nicht auf dem neuesten Stand, oder sie hält etwas zurück.',
    'Versuche es später erneut, oder sag es dem Eigentümer.',
  ),
  'record-stale': words(
    'Die Adresse des Hosts ist veraltet.',
    'Vom Host kam seit mehr als einem Tag nichts, oder die Uhr dieses Geräts geht falsch.',
    'Prüfe, ob der Host läuft und die Uhr stimmt, und versuche es erneut.',
  ),
  'clock-wrong': words(
    'Eine Uhr geht falsch.',
    'Dieses Gerät und der Host sind mehr als zehn Minuten auseinander.',
    'Stelle die Uhr und versuche es erneut.',
  ),
  'knock-refused': words(
    'Der Host hat das Anklopfen nicht angenommen.',
    'Vielleicht geht die Uhr dieses Geräts falsch.',
    'Prüfe die Uhr und versuche es erneut.',
  ),
  'certificate-foreign': words(
    'Unter der Adresse des Hosts antwortet etwas anderes.',
    'Es zeigt ein anderes Zertifikat, als der Host nennt; darum wurde ihm nichts gesagt.',
    'Versuche es aus einem anderen Netz. Bleibt es so, frag den Eigentümer.',
  ),
  'handshake-failed': words(
    'Der Host konnte nicht beweisen, wer er ist.',
    'Etwas zwischen dir und dem Host mischt sich ein, oder dieses Gerät wurde entfernt.',
    'Versuche es erneut. Bleibt es so, frag den Eigentümer.',
  ),
  'frame-invalid': words(
    'Die Verbindung wurde abgebrochen.',
    'Etwas Beschädigtes oder Gefälschtes kam herein.',
    'Sie kommt von selbst zurück.',
  ),
  'file-unknown': words(
    'Der Host hat diese Datei nicht.',
    'Ihre Nachricht wurde gelöscht, oder sie wartete zu lange darauf, gesendet zu werden.',
    'Sende sie noch einmal, oder frag, wer sie gesendet hat.',
  ),
  'file-too-large': words(
    'Diese Datei ist zu groß für diesen Host.',
    'Sein Besitzer hat eine Grenze für eine Datei gesetzt (--max-file).',
    'Sende sie in Teilen, oder bitte den Besitzer, die Grenze anzuheben.',
  ),
  'file-quota': words(
    'Der Host hat keinen Platz für diese Datei.',
    'Seine Dateien haben die Grenze erreicht, die sein Besitzer gesetzt hat (--files-quota).',
    'Lösche Nachrichten mit großen Dateien, oder bitte den Besitzer, die Grenze anzuheben.',
  ),
  'file-member-quota': words(
    'Deine Dateien nehmen so viel Platz ein, wie dieser Host einem Mitglied gibt.',
    'Diese Grenze hat sein Eigentümer gesetzt (--member-quota).',
    'Lösche eigene Nachrichten mit großen Dateien, oder bitte den Eigentümer, die Grenze anzuheben.',
  ),
  'file-disk-full': words(
    'Die Festplatte des Hosts ist voll.',
    'Den Rest hält er für Nachrichten frei.',
    'Bitte den Besitzer, Platz zu schaffen, und versuch es dann noch einmal.',
  ),
  'file-damaged': words(
    'Diese Datei ist beschädigt.',
    'Was kam, ist nicht, was gesendet wurde; davon wurde nichts behalten.',
    'Versuch es noch einmal. Bleibt es dabei, bitte noch einmal um die Datei.',
  ),
  'file-too-many': words(
    'Zu viele Dateien warten darauf, gesendet zu werden.',
    'Der Host nimmt von einem Mitglied sechzehn auf einmal.',
    'Warte, bis einige durch sind, oder brich eine ab.',
  ),
  'file-unreadable': words(
    'Die Datei ist nicht mehr lesbar.',
    'Sie wurde verschoben oder geändert, oder die Seite wurde seitdem neu geladen.',
    'Wähle dieselbe Datei noch einmal, und es geht weiter, wo es aufgehört hat.',
  ),
  'file-no-room': words(
    'Dieser Browser hat keinen Platz für diese Datei.',
    'Sein Speicher ist voll; auf einer Seite ohne https fasst er nur Dateien bis 64 MiB.',
    'Schaffe Platz, oder öffne den Chat über https oder auf dem Computer des Hosts.',
  ),
  'store-unreachable': words(
    'Eine Ablage war nicht zu erreichen.',
    'Sie ist ausgefallen, oder deine Verbindung.',
    'Prüfe deine Verbindung und versuche es erneut.',
  ),
  'store-refused': words(
    'Eine Ablage hat nicht antworten wollen.',
    'Sie ist vielleicht überlastet.',
    'Versuche es in einer Minute erneut.',
  ),
  'mega-account': words('Der Host ist nicht bei MEGA angemeldet.', HERE, OWNER_KNOWS),
  'mega-file': words('Die Datei des Hosts für MEGA ist unbrauchbar.', HERE, OWNER_KNOWS),
  'mega-login': words('MEGA hat den Host nicht angemeldet.', HERE, OWNER_KNOWS),
  'mega-2fa': words('MEGA fragt den Host nach einem zweiten Faktor.', HERE, OWNER_KNOWS),
  'mega-blocked': words('MEGA hat das Konto des Hosts gesperrt.', HERE, OWNER_KNOWS),
  'mega-quota': words('Das MEGA-Konto des Hosts ist voll.', HERE, OWNER_KNOWS),
  'mega-session': words('MEGA hat die Sitzung des Hosts beendet.', HERE, OWNER_KNOWS),
  'mega-gone': words('Die Datei des Hosts bei MEGA ist weg.', HERE, OWNER_KNOWS),
  'store-token': words('Eine Ablage verlangt vom Host ein Token.', HERE, OWNER_KNOWS),
  'no-answer': words(
    'Der Host antwortet nicht.',
    'Der Router hat vielleicht neu gestartet, der Host ist aus, oder eine Firewall verwirft die Pakete.',
    'Prüfe, ob der Host läuft und seine Firewall UDP einlässt, und versuche es erneut.',
  ),
  'no-network': words(
    'Browser verweigern WebRTC, solange dieser Rechner kein Netz hat.',
    'Nicht einmal ein Chat mit diesem Rechner selbst geht dann.',
    'Verbinde dich mit irgendeinem Netz und versuche es erneut.',
  ),
  'no-webrtc': words(
    'Dieser Browser kann sich nicht verbinden.',
    'WebRTC fehlt oder ist abgeschaltet.',
    'Nimm einen anderen Browser, oder erlaube WebRTC in diesem.',
  ),
  'passphrase-missing': words(
    'Die Schlüssel des Hosts sind hinter einer Passphrase.',
    HERE,
    OWNER_KNOWS,
  ),
  'passphrase-file': words(
    'Die Datei des Hosts mit der Passphrase ist unbrauchbar.',
    HERE,
    OWNER_KNOWS,
  ),
  'backup-foreign': words('Das ist keine Sicherung des Hosts.', HERE, OWNER_KNOWS),
  'backup-damaged': words('Die Sicherung des Hosts ist beschädigt.', HERE, OWNER_KNOWS),
  'passphrase-wrong': words(
    'Das ist nicht die PIN oder Passphrase.',
    'Eine falsche öffnet nichts.',
    'Es wurde nichts geändert. Versuch es noch einmal.',
  ),
  storage: words(
    'Dieser Browser behält nichts.',
    'Sein Speicher ist voll, gesperrt oder wurde geleert.',
    'Erlaube dieser Seite das Speichern und öffne deinen Link noch einmal.',
  ),
  'port-taken': words('Ein Port ist belegt.', HERE, OWNER_KNOWS),
  'address-unusable': words('Eine Adresse ist unbrauchbar.', HERE, OWNER_KNOWS),
  'folder-unusable': words('Der Ordner des Hosts ist unbrauchbar.', HERE, OWNER_KNOWS),
  'folder-foreign': words('Im Ordner des Hosts liegen andere Dateien.', HERE, OWNER_KNOWS),
  'folder-locked': words('Ein anderer Host benutzt diesen Ordner.', HERE, OWNER_KNOWS),
  'not-running': words('Der Host läuft nicht.', HERE, 'Bitte den Eigentümer, ihn zu starten.'),
  usage: words('Dem Host wurde etwas gesagt, das er nicht versteht.', HERE, OWNER_KNOWS),
  'no-usable-store': words('Keine Ablage ist von dieser Seite aus lesbar.', HERE, OWNER_KNOWS),
  'node-too-old': words('Das Node des Hosts ist zu alt.', HERE, OWNER_KNOWS),
  'page-incomplete': words(
    'Ein Teil dieser Seite fehlt.',
    'Er ließ sich nicht laden: Es gibt kein Netz, oder ihre Quelle antwortet nicht oder hat inzwischen eine andere Version.',
    'Versuch es noch einmal; hilft das nicht, lade die Seite neu.',
  ),
  'page-missing': words('Die Seite wurde nicht gebaut.', HERE, OWNER_KNOWS),
  'deploy-failed': words('Der Worker wurde nicht eingerichtet.', HERE, OWNER_KNOWS),
  'wrangler-missing': words('Wrangler ist nicht installiert.', HERE, OWNER_KNOWS),
  superseded: words('Eine andere Kopie des Hosts läuft.', HERE, OWNER_KNOWS),
  internal: words(
    'In dieser Seite ist etwas schiefgegangen.',
    'Das ist ein Fehler von uns.',
    'Lade die Seite neu.',
  ),
} satisfies ErrorWords

const NEWEST = 'Bitte den Eigentümer um die neueste record.bin.'
/** Of an address file that was handed over and not taken. */
export const files = {
  'record-malformed': words(
    'Diese Datei ist nicht die Adresse eines Hosts.',
    'Eine Datei record.bin hat genau 6144 Bytes und wurde vom Host geschrieben.',
    NEWEST,
  ),
  'record-forged': words(
    'Diese Datei hat ihre Prüfung nicht bestanden.',
    'Sie ist beschädigt, oder jemand ohne den Schlüssel des Hosts hat sie verändert.',
    NEWEST,
  ),
  'record-foreign': words(
    'Diese Datei ist von einem anderen Host.',
    'Ihr Schlüssel ist nicht der hier bekannte.',
    NEWEST,
  ),
  'record-no-slot': words(
    'Diese Datei ist nicht für diesen Browser.',
    'Sie ist von einem anderen Host, von vor deinem Beitritt oder von nach deiner Entfernung.',
    `${NEWEST} Bist du noch nicht beigetreten, öffne zuerst deinen Link.`,
  ),
  'record-rollback': words(
    'Diese Datei ist älter als das, was dieser Browser weiß.',
    'Der Host ist weitergezogen, seit sie geschrieben wurde.',
    NEWEST,
  ),
}
