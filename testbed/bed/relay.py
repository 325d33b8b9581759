"""A cable between two machines, each end of it a datagram socket: what a machine does not take is lost, as on a real one.

Directly connected, a machine that stands still would stop the other's transmit queue, and user-mode-linux's network driver does not
survive that: its watchdog resets the queue's accounts (netdev_reset_queue) while frames are still counted, and a BUG follows.
"""
import collections
import os
import select

_HELD = 512  # frames that wait for a machine which is only busy


def start(cables):
    """A process that carries frames over these cables, each a pair of sockets, until it is killed. Returns its id."""
    pid = os.fork()
    if pid == 0:
        try:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
            _carry({end.fileno(): (end, other) for pair in cables for end, other in (pair, pair[::-1])})
        finally:
            os._exit(1)
    return pid


def _carry(ends):
    poll, held = select.epoll(), {fd: collections.deque(maxlen=_HELD) for fd in ends}
    for fd, (end, _) in ends.items():
        end.setblocking(False)
        poll.register(fd, select.EPOLLIN)
    while True:
        for fd, events in poll.poll():
            end, other = ends[fd]
            if events & select.EPOLLIN:
                held[other.fileno()] += _frames(end)
                _deliver(poll, other, held[other.fileno()])
            if events & select.EPOLLOUT:
                _deliver(poll, end, held[fd])


def _frames(end):
    frames = []
    try:
        while len(frames) < _HELD:
            frames.append(end.recv(65536))
    except BlockingIOError:
        pass
    return frames


def _deliver(poll, end, frames):
    try:
        while frames:
            end.send(frames[0])
            frames.popleft()
    except (BlockingIOError, ConnectionError):
        pass
    poll.modify(end.fileno(), select.EPOLLIN | (select.EPOLLOUT if frames else 0))
