/* SPDX-License-Identifier: ISC */
/* list.h: every extension, one line each, in the order in which their rules are asked. */
XEP(ear_xep_0030)
XEP(ear_xep_0054)
XEP(ear_xep_0092)
XEP(ear_xep_0115)
XEP(ear_xep_0184)
XEP(ear_xep_0199)
XEP(ear_xep_0203)
XEP(ear_xep_buttons)
XEP(ear_xep_control)
XEP(ear_xep_trust_control)
XEP(ear_xep_keys)
XEP(ear_xep_pairing)
