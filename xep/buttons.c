/* SPDX-License-Identifier: ISC */
/*
 * buttons.c: the media player's remote control (EAR_NS_BUTTONS).
 *
 * set <press xmlns='urn:earshot:buttons:0' button='B' [value='V']/>
 * get <state xmlns='urn:earshot:buttons:0'/>
 *     -> <state xmlns='urn:earshot:buttons:0' player='mpv' playback='stopped|playing|paused'
 *               [title='...'] [position='12.345'] [duration='634.571'] [volume='70']
 *               muted='true|false' seekable='true|false'/>
 *
 * Both are answered with the player's state, a press after the player has confirmed it. Position
 * and duration are seconds with three decimals, volume is per cent; an attribute whose value is
 * unknown is absent. Other attributes and children may come: pass over them.
 *
 *     button                                    value
 *     play pause playpause stop next previous   none
 *     seek                                      "90", "90.5": seconds from the start;
 *                                               "+10", "-10.25": from where it is
 *     volume                                    "70": per cent; "+5", "-5": from where it is
 *     mute                                      "on", "off", "toggle"; none is toggle
 *
 * Errors, each with a text for people:
 *     bad-request               no button; a value that is none, missing, or not wanted
 *     item-not-found            no such button; no player there
 *     not-acceptable            value out of range; a press in a delayed, forwarded or carbon-copied
 *                               stanza (who pressed and when is then hearsay)
 *     feature-not-implemented   this player has no such button
 *     unexpected-request        the player refused: nothing to play, no next item, cannot seek
 *     remote-server-timeout     the player does not answer
 *     internal-server-error     the player answered nonsense
 *     resource-constraint       too many presses are waiting
 *     recipient-unavailable     this engine stops
 */
