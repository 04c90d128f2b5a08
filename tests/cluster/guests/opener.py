#!/usr/bin/python3
"""Goes round by round, each of which looks at files of its home, while other threads wait for a file that does not come.

usage: opener.py FILE THREADS [flock]
It begins when `begin` exists, each thread opening FILE and saying what it read; with flock, one more thread then takes a
lock, which only home can give, and says what came of it. Ends when `enough` exists and all threads have ended.
"""
import fcntl
import os
import sys
import threading
import time

PATH, THREADS, LOCKS = sys.argv[1], int(sys.argv[2]), "flock" in sys.argv[3:]


def say(text):
    os.write(1, (text + "\n").encode())


def open_it():
    try:
        if LOCKS:  # waits in the file view itself, where nothing can stop it; an open waits for home's word before
            os.stat(PATH)
        with open(PATH, encoding="ascii") as file:
            say("read " + file.read().strip())
    except OSError as error:
        say("FAILED " + error.strerror)


def take_lock():
    try:
        with open("lock", "w", encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
        say("locked")
    except OSError as error:
        say("NOT LOCKED " + error.strerror)


def main():
    say("ready")
    threads, rounds = [], 0
    while not (os.path.exists("enough") and threads and not any(thread.is_alive() for thread in threads)):
        if not threads and os.path.exists("begin"):
            threads = [threading.Thread(target=open_it) for _ in range(THREADS)]
            for thread in threads:
                thread.start()
            say("opening")
        if LOCKS and len(threads) == THREADS and os.path.exists("lock-now"):
            threads.append(threading.Thread(target=take_lock))
            threads[-1].start()
            say("locking")
        with open("count", "w", encoding="ascii") as file:
            file.write(f"{rounds}\n")
        rounds += 1
        say(f"round {rounds}")
        time.sleep(0.1)
    say("end")


main()
