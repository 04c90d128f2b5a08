/* The link of supervisor/job/link.h as a model for spin: numbered frames over connections that break.
 *
 * One direction; the other is the same. What is checked: whatever is lost with a connection, the receiver handles every
 * frame once and in order, and everything has been handled when connections last. BROKEN chooses a link that is wrong.
 */
#define HANDLES_AGAIN 1  /* what is sent again is not told from what is new: the count is not said first */
#define FORGETS_EARLY 2  /* a frame is forgotten when it was sent */
#define SENDS_AT_ONCE 3  /* new frames go out before what was kept, on a new connection */

#define FRAMES 4
#define CONNECTIONS 3

mtype = { frame, count };
chan there = [3] of { mtype, byte };
chan back = [2] of { mtype, byte };
byte broken;
byte connections = 1;
bool up = true;
bool open = false;     /* the sender has heard the receiver's count on this connection */
byte made = 0;         /* frames given to the sender */
byte forgotten = 0;    /* of them, acknowledged */
byte sent = 0;         /* of them, sent on this connection */
byte handled = 0;

c_decl {
static unsigned char setting(const char* name) { const char* text = getenv(name); return text ? atoi(text) : 0; }
}

proctype Sender() {
  byte n;
end:
  do
  :: atomic { up && back?[count,_] ->
       back?count,n;
       assert(broken != 0 || (n >= forgotten && n <= made));
       if :: n > forgotten -> forgotten = n :: else fi;
       if :: !open -> open = true; sent = forgotten :: else fi;
       n = 0 }
  :: atomic { made < FRAMES && (broken != SENDS_AT_ONCE || !up || open) -> made++ }
  :: atomic { made < FRAMES && broken == SENDS_AT_ONCE && up && !open && nfull(there) -> made++; there!frame,made }
  :: atomic { up && open && sent < made && nfull(there) ->
       sent++; there!frame,sent;
       if :: broken == FORGETS_EARLY -> forgotten = sent :: else fi }
  od
}

proctype Receiver() {
  byte n, said = CONNECTIONS + 1;  /* on which connection the count was said first */
end:
  do
  :: atomic { up && said != connections && nfull(back) ->
       said = connections; back!count,((broken == HANDLES_AGAIN) -> 0 : handled) }
  :: atomic { up && there?[frame,_] -> there?frame,n; handled++; assert(n == handled); n = 0 }
  :: atomic { up && said == connections && nfull(back) && handled > 0 && len(back) == 0 && forgotten < handled ->
       back!count,handled }
  od
}

/* The receiver may have got some of what was under way. */
proctype Wire() {
end:
  do
  :: atomic { up && connections < CONNECTIONS -> up = false; open = false }
  :: atomic { !up ->
       do :: there?_,_ :: empty(there) -> break od;
       do :: back?_,_ :: empty(back) -> break od;
       connections++; up = true }
  od
}

active proctype Verdict() {
  (timeout) -> assert(handled == FRAMES)
}

init {
  d_step { c_code { now.broken = setting("BROKEN"); } };
  atomic { run Sender(); run Receiver(); run Wire() }
}
