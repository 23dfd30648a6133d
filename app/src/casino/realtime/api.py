"""The door of real time."""

from casino.realtime.feeds import Jackpots, balances, tables
from casino.realtime.follower import Follower
from casino.realtime.hub import Hub
from casino.realtime.prices import PriceReader
from casino.realtime.publish import Prices, Publisher, RealityChecks
from casino.realtime.sessions import Session, Sessions
from casino.realtime.settings import RealtimeSettings, load_realtime_settings
from casino.realtime.streams import Streams
from casino.realtime.topics import Topic, table

__all__ = [
    "Follower",
    "Hub",
    "Jackpots",
    "PriceReader",
    "Prices",
    "Publisher",
    "RealityChecks",
    "RealtimeSettings",
    "Session",
    "Sessions",
    "Streams",
    "Topic",
    "balances",
    "load_realtime_settings",
    "table",
    "tables",
]
