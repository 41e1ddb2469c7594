// Chinese: what happened, why, and what to do next, for every code that may reach a person here (SPEC §9).
import { type ErrorWords, words } from './catalogue.ts'

const ASK = '请向所有者要一个新链接。'
const OWNER_KNOWS = '请询问所有者。'
const HERE = '这发生在主机上，不在此浏览器中。'

export const errors = {
  malformed: words(
    '主机发来的内容本页无法理解。',
    '本页与主机的版本可能不同。',
    '请重新加载本页。',
  ),
  limit: words('内容太长，无法发送。', '一条消息最多 16 000 字节。', '请分几次发送。'),
  crypto: words('加密校验失败。', '途中有内容被损坏或改动。', '请重试。'),
  'invite-malformed': words(
    '这个链接不完整。',
    '它输错了，或在途中被截断。',
    '请重新打开完整的链接，或要一个新的。',
  ),
  'invite-version': words(
    '这个链接属于另一版本的 ClawChat。',
    '本页比主机旧或新。',
    '请重新加载本页，或在链接原本对应的地方打开它。',
  ),
  'invite-used': words(
    '这个链接已被使用。',
    '一个链接只能让有限的浏览器加入，通常是一个。',
    `${ASK}如果不是你用的，请告诉对方：有别人用了它。`,
  ),
  'invite-reserved': words(
    '有人正在用这个链接加入。',
    '它只能让有限的浏览器加入，通常是一个，而别人先开始了。',
    '请十分钟后重试，或要一个新链接。',
  ),
  'invite-expired': words('这个链接已过期。', '链接只在一定时间内有效。', ASK),
  'invite-withdrawn': words('这个链接已被撤回。', '是所有者撤回了它。', ASK),
  'room-unknown': words('这个房间已不存在。', '可能有人改了它的名称，或把你移出了房间。', ASK),
  'push-refused': words(
    '主机不向此浏览器的推送服务发送。',
    '它只向 Chrome、Edge、Firefox 和 Safari 的服务，以及所有者添加的服务发送。',
    '请询问所有者。',
  ),
  'picture-refused': words(
    '这不是可以放在这里的图片。',
    '它必须小而方；页面会把它做成这样。',
    '请选择另一张图片。',
  ),
  'invite-unknown': words('主机不认识这个链接。', '它可能属于另一台主机。', ASK),
  'credentials-full': words(
    '主机没有位置容纳更多设备。',
    '设备和有效链接合计最多 64 个。',
    '请所有者撤回链接或移除设备。',
  ),
  'name-invalid': words(
    '不能使用这个名字。',
    '它是空的、超过 48 字节，或含有控制字符。',
    '请换一个名字。',
  ),
  burned: words(
    '所有者已销毁这台主机。',
    '它的密钥可能落入他人之手，所以这里的密钥和聊天记录已删除。',
    '请当面或打电话向所有者要一个新链接。',
  ),
  removed: words(
    '此设备已被移出聊天。',
    '所有者撤销了它，主机不再让它进入。这里已有的内容会保留。',
    ASK,
  ),
  'device-unknown': words('主机不认识这台设备。', HERE, OWNER_KNOWS),
  'not-allowed': words('主机不允许你这样做。', '只有所有者，或它所属的人才可以。', OWNER_KNOWS),
  'too-many': words(
    '一次太多了。',
    '主机每分钟只为每台设备处理大约十次这样的请求。',
    '请等一分钟，然后重试。',
  ),
  'record-missing': words(
    '找不到主机。',
    '没有存放处有它的地址：主机可能已关闭，或存放处无法访问。',
    '请确认主机正在运行，然后重试。',
  ),
  'record-malformed': words(
    '找到的内容不是主机的地址。',
    '存放处返回了别的内容，可能是此网络的登录页面。',
    '请检查你的网络连接，然后重试。',
  ),
  'record-no-slot': words(
    '主机的地址不是给此浏览器的。',
    '链接已被使用、撤回或输错，或者此设备已被移除。',
    ASK,
  ),
  'record-forged': words(
    '主机的地址未通过校验。',
    '它被没有主机密钥的人改动过。',
    '请重试。如果仍然如此，请告诉所有者。',
  ),
  'record-foreign': words('这个地址属于另一台主机。', '存放处里是别人的记录。', ASK),
  'record-rollback': words(
    '存放处返回了旧地址。',
    '它没有更新，或有所隐瞒。',
    '请稍后重试，或告诉所有者。',
  ),
  'record-stale': words(
    '主机的地址已过时。',
    '已有一天多没有主机的消息，或者此设备的时钟不准。',
    '请确认主机正在运行、时钟正确，然后重试。',
  ),
  'clock-wrong': words(
    '有一个时钟不准。',
    '此设备与主机的时间相差超过十分钟。',
    '请校准时钟，然后重试。',
  ),
  'knock-refused': words('主机没有接受敲门。', '此设备的时钟可能不准。', '请检查时钟，然后重试。'),
  'certificate-foreign': words(
    '在主机的地址上应答的不是主机。',
    '它出示的证书与主机记录中的不同，所以没有告诉它任何内容。',
    '请换一个网络重试。如果仍然如此，请询问所有者。',
  ),
  'handshake-failed': words(
    '主机无法证明自己的身份。',
    '你与主机之间有东西在干扰，或者此设备已被移除。',
    '请重试。如果仍然如此，请询问所有者。',
  ),
  'frame-invalid': words('连接中断了。', '收到了损坏或伪造的内容。', '它会自动恢复。'),
  'file-unknown': words(
    '主机没有这个文件。',
    '它的消息已被删除，或等待发送的时间太长。',
    '请重新发送，或询问发送者。',
  ),
  'file-too-large': words(
    '这个文件对此主机来说太大。',
    '主机所有者设置了单个文件的上限（--max-file）。',
    '请分成几部分发送，或请所有者提高上限。',
  ),
  'file-quota': words(
    '主机没有空间存放这个文件。',
    '文件总量已达到所有者设置的上限（--files-quota）。',
    '请删除带有大文件的消息，或请所有者提高上限。',
  ),
  'file-member-quota': words(
    '你的文件已占满此主机给每位成员的空间。',
    '这个上限由所有者设置（--member-quota）。',
    '请删除你自己带有大文件的消息，或请所有者提高上限。',
  ),
  'file-disk-full': words(
    '主机的磁盘已满。',
    '剩余空间要留给消息。',
    '请所有者腾出空间，然后重试。',
  ),
  'file-damaged': words(
    '这个文件已损坏。',
    '收到的内容与发送的不同，因此没有保留。',
    '请重试。如果仍然如此，请对方再发一次。',
  ),
  'file-too-many': words(
    '等待发送的文件太多。',
    '主机一次只接受每位成员的十六个文件。',
    '请等一些文件发送完，或取消一个。',
  ),
  'file-unreadable': words(
    '文件已无法读取。',
    '它被移动或修改过，或者页面重新加载过。',
    '请再次选择同一个文件，它会从停下的地方继续。',
  ),
  'file-no-room': words(
    '此浏览器没有空间存放这个文件。',
    '它的存储已满；在没有 https 的页面上只能存放不超过 64 MiB 的文件。',
    '请腾出空间，或通过 https 或在主机所在的电脑上打开聊天。',
  ),
  'store-unreachable': words(
    '无法访问一个存放处。',
    '它出了故障，或者你的网络断了。',
    '请检查你的网络连接，然后重试。',
  ),
  'store-refused': words('一个存放处拒绝应答。', '它可能过载了。', '请一分钟后重试。'),
  'mega-account': words('主机没有登录 MEGA。', HERE, OWNER_KNOWS),
  'mega-file': words('主机用于 MEGA 的文件无法使用。', HERE, OWNER_KNOWS),
  'mega-login': words('MEGA 不让主机登录。', HERE, OWNER_KNOWS),
  'mega-2fa': words('MEGA 要求主机提供第二重验证。', HERE, OWNER_KNOWS),
  'mega-blocked': words('MEGA 封锁了主机的账号。', HERE, OWNER_KNOWS),
  'mega-quota': words('主机的 MEGA 账号超出了配额。', HERE, OWNER_KNOWS),
  'mega-session': words('MEGA 结束了主机的会话。', HERE, OWNER_KNOWS),
  'mega-gone': words('主机在 MEGA 上的文件不见了。', HERE, OWNER_KNOWS),
  'store-token': words('一个存放处要求主机提供令牌。', HERE, OWNER_KNOWS),
  'no-answer': words(
    '主机没有应答。',
    '路由器可能重启了，主机可能已关闭，或者防火墙丢弃了数据包。',
    '请确认主机正在运行、其防火墙允许 UDP，然后重试。',
  ),
  'no-network': words(
    '电脑没有网络时，浏览器拒绝使用 WebRTC。',
    '那时连与这台电脑自己聊天也不行。',
    '请连接任意网络，然后重试。',
  ),
  'no-webrtc': words(
    '此浏览器无法连接。',
    '它没有 WebRTC，或已将其关闭。',
    '请换一个浏览器，或在此浏览器中允许 WebRTC。',
  ),
  'passphrase-missing': words('主机的密钥由密码短语保护。', HERE, OWNER_KNOWS),
  'passphrase-file': words('主机存放密码短语的文件无法使用。', HERE, OWNER_KNOWS),
  'backup-foreign': words('这不是主机的备份。', HERE, OWNER_KNOWS),
  'backup-damaged': words('主机的备份已损坏。', HERE, OWNER_KNOWS),
  'passphrase-wrong': words(
    'PIN 或密码短语不对。',
    '错误的打不开任何内容。',
    '没有任何改动。请再试一次。',
  ),
  storage: words(
    '此浏览器什么也保存不了。',
    '它的存储空间已满、被禁止或被清空。',
    '请允许本页保存数据，然后重新打开你的链接。',
  ),
  'port-taken': words('有一个端口被占用。', HERE, OWNER_KNOWS),
  'address-unusable': words('有一个地址无法使用。', HERE, OWNER_KNOWS),
  'folder-unusable': words('主机的文件夹无法使用。', HERE, OWNER_KNOWS),
  'folder-foreign': words('主机的文件夹里有别的文件。', HERE, OWNER_KNOWS),
  'folder-locked': words('另一台主机正在使用那个文件夹。', HERE, OWNER_KNOWS),
  'not-running': words('主机没有运行。', HERE, '请所有者启动它。'),
  usage: words('主机收到了它不理解的指令。', HERE, OWNER_KNOWS),
  'no-usable-store': words('本页无法读取任何存放处。', HERE, OWNER_KNOWS),
  'node-too-old': words('主机的 Node 版本太旧。', HERE, OWNER_KNOWS),
  'page-incomplete': words(
    '网页缺少一部分。',
    '无法加载：没有网络，或者网页的来源没有应答，或者已经换了版本。',
    '请重试；如果还是不行，请重新加载网页。',
  ),
  'page-missing': words('网页还没有构建。', HERE, OWNER_KNOWS),
  'deploy-failed': words('Worker 没有部署成功。', HERE, OWNER_KNOWS),
  'wrangler-missing': words('没有安装 Wrangler。', HERE, OWNER_KNOWS),
  superseded: words('主机的另一个副本正在运行。', HERE, OWNER_KNOWS),
  internal: words('本页出了问题。', '这是我们的缺陷。', '请重新加载本页。'),
} satisfies ErrorWords

const NEWEST = '请向所有者要最新的 record.bin。'
/** Of an address file that was handed over and not taken. */
export const files = {
  'record-malformed': words(
    '这个文件不是主机的地址。',
    '文件 record.bin 正好是 6144 字节，由主机写成。',
    NEWEST,
  ),
  'record-forged': words('这个文件未通过校验。', '它已损坏，或被没有主机密钥的人改动过。', NEWEST),
  'record-foreign': words('这个文件属于另一台主机。', '它的密钥不是这里所知的那个。', NEWEST),
  'record-no-slot': words(
    '这个文件不是给此浏览器的。',
    '它属于另一台主机，或是在你加入之前、被移除之后写的。',
    `${NEWEST}如果你还没有加入，请先打开你的链接。`,
  ),
  'record-rollback': words('这个文件比此浏览器所知的更旧。', '它写成之后，主机已经更新。', NEWEST),
}
