/* SPDX-License-Identifier: ISC */
/*
 * control.c: what programs of this machine's owner ask the engine itself (EAR_NS_CONTROL).
 *
 * Every request is an IQ without `to` (or to the engine's own address); the payload and its answer
 * are elements of EAR_NS_CONTROL. Booleans are "true" and "false", times are whole microseconds. An
 * attribute whose value is unknown is absent. `earshot --json` prints the same names with '_' for
 * '-', null for absent.
 *
 * get <peers [address='A'] [first='N']/>
 *     -> <peers first='N' total='M'>
 *          <peer address='juliet@pronto.local' [jid='juliet@example.org'] [name='Juliet']
 *                [status='avail|away|dnd'] [message='...'] in-earshot='true|false'
 *                level='plain|keyed|proved|trusted' link='none|local|lan|server' [rtt-us='1234']/>*
 *        </peers>
 *     Sorted by address. address: only that one, item-not-found when it is not known. An answer
 *     holds at most CONTROL_PAGE entries, from number `first` (0 when absent) of `total`: ask again
 *     with first = first + entries until that is total.
 *
 * get <paths [to='A'] [first='N']/>
 *     -> <paths first='N' total='M'>
 *          <path to='juliet@pronto.local' address='juliet@pronto.local' link='lan'
 *                state='...' level='...' [rtt-us='1234'] [rttvar-us='55'] samples='7'
 *                [alive-us='250000'] [failure='...'] chosen='true|false' [why='...']/>*
 *        </paths>
 *     Paged as peers; state as ear_path_state_name(); alive-us is the age of the last proof of life.
 *     No path at all is an empty answer.
 *
 * get <xeps/>
 *     -> <xeps><xep number='0199' name='ping'><feature var='urn:xmpp:ping'/>*</xep>*</xeps>
 *
 * get <self/>
 *     -> <self version='0.1' caps='base64 of XEP-0115' [player='mpv|demo|none']>
 *          <address link='local|lan|server' address='tv@pronto.local'/>*
 *        </self>
 *     player is absent when none is configured, "none" when none is there now.
 *
 * set <watch/>, set <unwatch/>
 *     -> empty result. From then on the program gets, for every event, until it leaves or unwatches:
 *     <message type='headline'>
 *       <event xmlns='urn:earshot:control:0' kind='peer-changed|peer-gone|path-changed'
 *              address='juliet@pronto.local' [link='none|local|lan|server']/>
 *     </message>
 *     link, the path now chosen, only with path-changed. Both may be repeated without harm. More
 *     than CONTROL_WATCHERS_MAX programs: resource-constraint.
 *
 * An address that is none: jid-malformed. `first` that is no number: bad-request.
 */
