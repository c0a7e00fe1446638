/** Who is who on the bed's wire. */
export const subnet = { 4: 24, 6: 64 };
/** The libOS under test. */
export const libos = { 4: "10.7.0.2", 6: "fd07::2", mac: "02:00:00:00:07:02" };
/** Its peer: the kernel on dk1, or the second process over a pair of devices. */
export const peer = { 4: "10.7.0.1", 6: "fd07::1", mac: "02:00:00:00:07:01" };
/** Nobody. */
export const silent = { 4: "10.7.0.99", 6: "fd07::99" };

export const prefix = (who, family) => `${who[family]}/${subnet[family]}`;
