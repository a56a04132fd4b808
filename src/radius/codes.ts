/** Packet codes that the broker speaks: RFC 2865 §3, RFC 2866 §3, RFC 5997 §2. */
export const Code = {
  AccessRequest: 1,
  AccessAccept: 2,
  AccessReject: 3,
  AccountingRequest: 4,
  AccountingResponse: 5,
  AccessChallenge: 11,
  StatusServer: 12,
} as const

/** Attribute types that ocserv sends or reads, or that the protocol itself needs. */
export const Attr = {
  // RFC 2865 §5
  UserName: 1,
  UserPassword: 2,
  ChapPassword: 3,
  NasIpAddress: 4,
  NasPort: 5,
  ServiceType: 6,
  FramedProtocol: 7,
  FramedIpAddress: 8,
  FramedIpNetmask: 9,
  FilterId: 11,
  FramedMtu: 12,
  ReplyMessage: 18,
  FramedRoute: 22,
  State: 24,
  Class: 25,
  VendorSpecific: 26,
  SessionTimeout: 27,
  IdleTimeout: 28,
  CalledStationId: 30,
  CallingStationId: 31,
  NasIdentifier: 32,
  ProxyState: 33,
  NasPortType: 61,
  // RFC 2866 §5
  AcctStatusType: 40,
  AcctDelayTime: 41,
  AcctInputOctets: 42,
  AcctOutputOctets: 43,
  AcctSessionId: 44,
  AcctAuthentic: 45,
  AcctSessionTime: 46,
  AcctInputPackets: 47,
  AcctOutputPackets: 48,
  AcctTerminateCause: 49,
  // RFC 2869 §5
  AcctInputGigawords: 52,
  AcctOutputGigawords: 53,
  EventTimestamp: 55,
  ConnectInfo: 77,
  MessageAuthenticator: 80,
  AcctInterimInterval: 85,
  FramedPool: 88,
  // RFC 3162 §2, RFC 4818 §3, RFC 6911 §3
  NasIpv6Address: 95,
  FramedIpv6Prefix: 97,
  FramedIpv6Route: 99,
  FramedIpv6Pool: 100,
  DelegatedIpv6Prefix: 123,
  FramedIpv6Address: 168,
  DnsServerIpv6Address: 169,
  RouteIpv6Information: 170,
  DelegatedIpv6PrefixPool: 171,
  StatefulIpv6AddressPool: 172,
} as const

/** Private enterprise numbers of the vendors whose attributes ocserv reads. */
export const Vendor = { Microsoft: 311, RoaringPenguin: 10055 } as const
