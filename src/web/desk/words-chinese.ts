import type { RefusalReason } from '../../domain/refusal.ts'
import type { DeskWords } from './words.ts'

const REFUSALS: Readonly<Record<RefusalReason, string>> = {
  malformed_request: '请求格式错误',
  rate_limited: '尝试过于频繁',
  locked: '锁定期间',
  bad_credentials: '密码错误',
  barred: '账户被禁止',
  no_second_factor: '没有身份验证器',
  wrong_code: '验证码错误',
  code_used: '验证码已使用过',
  challenge_expired: '登录超时',
  challenge_mismatch: '回答的是另一次登录',
  no_policy: '没有允许的策略',
  no_address: '没有空闲地址',
  unavailable: '服务不可用',
}

export const simplifiedChinese: DeskWords = {
  nav: { lockouts: '锁定', users: '用户', sessions: '会话', audit: '审计' },
  again: {
    title: '请使用验证码登录',
    text: '安全台需要双重验证，而此浏览器只验证过密码。请退出登录，然后使用应用中的验证码重新登录。',
  },
  colon: '：',
  comma: '，',
  readOnly: '您的角色只能查看，不能更改。',
  search: '搜索',
  clear: '清除',
  whom: '用户或地址',
  whomHint: '完整的用户名或 IP 地址。',
  user: '用户',
  address: '地址',
  gateway: '网关',
  anyGateway: '任意网关',
  portal: '门户',
  state: '状态',
  noName: '任何登录都不可能使用此名称。',
  nextPage: '更早',
  firstPage: '最新',
  pages: '分页',
  cancel: '取消',
  reason: '原因',
  reasonHint: '将与您的名字一起写入审计记录：工单编号，或用户的说明。',
  problem(problem) {
    switch (problem) {
      case 'reason':
        return '请填写原因，一行，最多 200 个字符。'
      case 'user':
        return '这种锁定需要用户名；仅锁定地址时请勿填写用户名。'
      case 'address':
        return '这种锁定需要 IP 地址；在所有位置锁定用户时请勿填写地址。'
      case 'until':
        return '结束时间必须在将来。'
      case 'unknown_user':
        return '没有身份源认识此用户。'
      case 'gateway':
        return '没有这个网关。'
      case 'not_in_force':
        return '锁定已经结束，或已被他人解除。未作任何更改。'
    }
  },
  lockouts: {
    past: { ended: '已结束的锁定', released: '已解除的锁定' },
    now: '当前被锁定',
    live: '实时',
    lost: '正在重新连接…',
    areLocked: (count) => `${count} 个锁定生效中`,
    areLockedInAll: (count) => `共有 ${count} 个锁定生效中`,
    states: { in_force: '生效中', ended: '已结束', released: '已解除' },
    nobody: '没有人被锁定。',
    nobodyHint: '仍有人无法登录？请搜索其用户名：用户页面会说明登录的结果。',
    noneFound: '没有符合条件的锁定。',
    notLocked: (who) => `${who} 没有被锁定。`,
    none: (who) => `${who} 没有这样的锁定。`,
    seeUser: (user) => `${user} 为什么无法登录？`,
    seeAddress: (address) => `来自 ${address} 的活动`,
    who: '对象',
    why: '原因',
    when: '时间',
    action: '可以放行吗？',
    release: '解除',
    story: '经过',
    storyOf: (who) => `：${who}`,
    lock: '手动锁定',
    began: (ago) => `${ago}开始`,
    ends: (ago) => `${ago}结束`,
    ended: (ago) => `${ago}结束`,
    endsOnRelease: '直到解除',
    releasedBy: (actor) => `由 ${actor} 解除`,
  },
  scope({ scope, address = '' }) {
    switch (scope) {
      case 'user_address':
        return `仅限来自 ${address}`
      case 'user':
        return '所有位置'
      case 'address':
        return '来自此处的所有用户'
    }
  },
  evidence: {
    failures: (count) => `失败 ${count} 次`,
    of: (reason, count) => `${REFUSALS[reason]} × ${count}`,
    addresses: (count) => `${count} 个地址`,
    names: (count) => `从此处尝试了 ${count} 个用户名`,
    inARow: '连续失败过多',
    byHand: (actor) => `手动锁定：${actor}`,
    hint(hint) {
      switch (hint) {
        case 'known_place':
          return '已知地点'
        case 'new_place':
          return '陌生地点'
        case 'guessing':
          return '疑似猜测密码'
        case 'by_hand':
          return '有意锁定'
      }
    },
    advice(hint) {
      switch (hint) {
        case 'known_place':
          return '该用户曾从此地址连接，很可能只是记错了：询问用户后即可解除。'
        case 'new_place':
          return '该用户从未从此地址连接。解除之前，请致电确认是本人在尝试。'
        case 'guessing':
          return '涉及多个用户名或地址，疑似有人在猜测密码。最好让锁定自行结束。'
        case 'by_hand':
          return '这是有人有意锁定的。解除之前请先询问锁定者。'
      }
    },
    lastConnected: (ago) => `${ago}曾连接`,
    triesSince: (count) => `此后又尝试 ${count} 次`,
    last: (ago) => `最近一次在${ago}`,
  },
  story: {
    title: (who) => `${who} 的经过`,
    back: '所有锁定',
    locked: '已锁定',
    facts: '发生了什么',
    scope: '锁定范围',
    cause: '起因',
    causes: { failures: '登录失败', hard_limit: '连续失败过多', by_hand: '手动锁定' },
    failures: '失败',
    from: '来源',
    place: '该地址',
    placeKnown: '曾从此处连接',
    placeNew: '从未从此处连接',
    tries: '此后的尝试',
    names: '从此处尝试的用户名',
    none: '无',
    since: '开始',
    until: '结束',
    endedByItself: '自行结束',
    decide: '可以放行吗？',
    release: '解除',
    releaseText(scope) {
      switch (scope) {
        case 'user_address':
          return '用户可立即从此地址重新登录，失败次数从零开始计算。'
        case 'user':
          return '用户可立即重新登录，失败次数从零开始计算。'
        case 'address':
          return '所有人可立即从此地址重新登录。'
      }
    },
    alsoOthers: (count) => `同时解除该用户的另外 ${count} 个锁定`,
    stillLocked: (count) => `还有 ${count} 个锁定阻止该用户登录：`,
    timeline: '时间线',
    empty: '没有任何记录。',
    more: '审计记录中的全部内容',
  },
  standing: {
    title: '用户',
    authenticator: '身份验证器',
    noAuthenticator: '无',
    since: '绑定于',
    neverUsed: '尚未使用过',
    recoveryCodes: (left) => `剩余 ${left} 个恢复代码`,
    sessions: '当前连接',
    noSessions: '无',
    groups: '组',
    noGroups: '无',
    source: '身份源',
    unknown: '没有身份源',
    page: (user) => `${user} 的全部信息`,
    lock: '手动锁定',
    revoke: '撤销身份验证器',
    revokeText: '其验证码和恢复代码立即失效，用户在这些页面上退出登录。VPN 会话不受影响。',
    revokeSubmit: '撤销',
    invite: '邀请绑定',
    inviteText: '生成一个只显示一次的代码，用户无需登录即可用它绑定身份验证器。',
    goodFor: '有效期',
    inviteSubmit: '生成邀请码',
  },
  invited: {
    title: (user) => `${user} 的邀请码`,
    once: '只在此时显示。请通过您信任的方式告知用户。',
    code: '代码',
    tell: (user) => `${user} 连同用户名一起输入，网址：`,
    tellHere: (user) => `${user} 在本门户的 /enrol 页面连同用户名一起输入。`,
    until: '可使用一次，有效期至',
    replaces: '用它绑定的身份验证器将取代原有的身份验证器。',
    back: (user) => `返回 ${user}`,
  },
  users: {
    title: '用户',
    lead: '现在登录会有什么结果？之前发生过什么？查询不会计入任何次数。',
    name: '用户名',
    supposedAddress: '来源地址',
    supposedGateway: '网关',
    submit: '查询',
    wouldPass: '可以登录',
    wouldBeRefused: '会被拒绝',
    cannotTell: '无法判断',
    outcome({ outcome, stores, policy, locks, enrolment }) {
      const last = stores.at(-1)
      if (outcome.kind === 'would_pass')
        return `输入正确的密码${enrolment === undefined ? '' : '和验证码'}后，按策略 ${policy} 可以登录。`
      if (outcome.kind === 'cannot_tell') return `${last?.store} 目前无法查询。`
      switch (outcome.reason) {
        case 'locked':
          return `有 ${locks.length} 个锁定阻止登录。`
        case 'barred':
          return `${last?.store} 禁止此账户：${last?.detail ?? ''}。`
        case 'bad_credentials':
          return '没有身份源认识此用户名。'
        case 'no_second_factor':
          return '该用户还没有身份验证器，请邀请其绑定。'
        case 'no_policy':
          return policy === undefined ? '没有适用的策略。' : `策略 ${policy} 拒绝该用户。`
        default:
          return outcome.words
      }
    },
    policy: '策略',
    reply: '网关将收到',
    asked: '查询的身份源',
    answers: { known: '认识该用户', barred: '禁止该用户', unknown: '不认识', unavailable: '不可用' },
  },
  lock: {
    title: '手动锁定',
    lead: '用于电脑失窃、人员离职，或不断猜测密码的地址。已打开的 VPN 会话会继续，直到网关将其结束。',
    scope: '锁定对象',
    scopes: { user: '用户，所有位置', user_address: '用户，仅限一个地址', address: '地址，所有用户' },
    user: '用户名',
    address: '地址',
    duration: '时长',
    untilReleased: '直到有人解除',
    submit: '锁定',
  },
  sessions: {
    title: 'VPN 会话',
    states: { granted: '已批准', open: '已连接', silent: '无消息', ended: '已结束' },
    any: '全部',
    vpnAddress: 'VPN 地址',
    from: '来源',
    began: '开始',
    lasted: '时长',
    traffic: '下行 / 上行',
    none: '没有符合条件的会话。',
    pools: '地址池',
    held: (held, size) => `已用 ${held} 个，共 ${size} 个`,
    nearlyFull: '即将用尽',
    full: '已用尽：其他人无法接入',
  },
  audit: {
    title: '审计记录',
    kind: '事件',
    anyKind: '全部',
    from: '从',
    to: '到',
    zone: (zone) => `时间按 ${zone} 计算。`,
    when: '时间',
    what: '事件',
    who: '用户',
    where: '位置',
    details: '详情',
    none: '没有符合条件的事件。',
    exportAs: '导出全部符合条件的事件：',
    by: (actor) => `操作者：${actor}`,
  },
  kind(kind) {
    switch (kind) {
      case 'login.accepted':
        return '登录成功'
      case 'login.challenged':
        return '要求输入验证码'
      case 'login.refused':
        return '被拒绝'
      case 'login.unavailable':
        return '无法判定'
      case 'address.shared':
        return '地址冲突'
      case 'address.released':
        return '已手动收回地址'
      case 'lockout.made':
        return '被锁定'
      case 'lockout.released':
        return '已解除锁定'
      case 'user.added':
        return '已添加用户'
      case 'user.changed':
        return '已更改用户'
      case 'user.removed':
        return '已删除用户'
      case 'enrolment.made':
        return '已绑定身份验证器'
      case 'enrolment.revoked':
        return '已撤销身份验证器'
      case 'invitation.made':
        return '受邀绑定'
      case 'recovery_codes.made':
        return '已生成新的恢复代码'
      case 'token.made':
        return '已创建 API 令牌'
      case 'token.revoked':
        return '已撤销 API 令牌'
    }
  },
  refusal: (reason) => (Object.hasOwn(REFUSALS, reason) ? REFUSALS[reason as RefusalReason] : reason),
  timeline: {
    times: (count) => `${count} 次`,
    from: '自',
    connected: '已连接',
    disconnected: '已断开',
    lockEnds: '锁定自行结束',
    by: (actor) => `操作者：${actor}`,
  },
  activity: {
    title: '最近 24 小时',
    logins: '登录成功',
    refused: '被拒绝',
    sum: (logins, refused) => `每小时登录次数：最近 24 小时成功 ${logins} 次，被拒绝 ${refused} 次。`,
    most: (count) => `每小时 ${count} 次`,
    asTable: '以表格显示',
    hour: '小时',
  },
}
