import ECAREvaluation
import Foundation
import TestSupport
import Testing
import Torch
