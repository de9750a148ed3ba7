/* An executor that the driver's pod asks for while its Java still starts: Spark has to count it as one of its
 * own, and it has to wait for a driver that does not listen yet. Inside Spark's package, since both of Spark's
 * classes are visible there only.
 */
package org.apache.spark.switchboard

import java.net.{ConnectException, InetSocketAddress, Socket}
import java.util.concurrent.TimeUnit.NANOSECONDS

import scala.annotation.tailrec
import scala.jdk.CollectionConverters._
import scala.util.{Failure, Success, Try, Using}

import io.fabric8.kubernetes.client.KubernetesClient
import org.apache.hadoop.security.UserGroupInformation
import org.apache.spark.{SecurityManager, SparkConf, SparkException}
import org.apache.spark.deploy.SparkHadoopUtil
import org.apache.spark.deploy.k8s.Config.KUBERNETES_NAMESPACE
import org.apache.spark.deploy.k8s.Constants.{SPARK_APP_ID_LABEL, SPARK_POD_EXECUTOR_ROLE, SPARK_ROLE_LABEL}
import org.apache.spark.internal.Logging
import org.apache.spark.rpc.{RpcEndpointAddress, RpcEnv}
import org.apache.spark.scheduler.cluster.k8s._
import org.apache.spark.util.Clock

/** Spark's own allocator, but that it begins with the executors that are there already. */
class Allocator(
    conf: SparkConf,
    security: SecurityManager,
    builder: KubernetesExecutorBuilder,
    client: KubernetesClient,
    snapshots: ExecutorPodsSnapshotsStore,
    clock: Clock)
    extends ExecutorPodsAllocator(conf, security, builder, client, snapshots, clock) {

  override def start(application: String, backend: KubernetesClusterSchedulerBackend): Unit = {
    val there = client.pods
      .inNamespace(conf.get(KUBERNETES_NAMESPACE))
      .withLabel(SPARK_APP_ID_LABEL, application)
      .withLabel(SPARK_ROLE_LABEL, SPARK_POD_EXECUTOR_ROLE)
      .list()
    snapshots.replaceSnapshot(there.getItems.asScala.toSeq)
    super.start(application, backend)
  }
}

/** Spark's own executor, but that it waits for its driver, where Spark's would end. */
object Executor extends Logging {
  /** Between two questions to the driver: a fiftieth of the time so far, within these bounds. Where many start at
    * once, and that takes long, questions would keep the processor from those who are to answer them.
    */
  private val (share, leastMs, mostMs) = (50, 20L, 500L)
  private val began = System.nanoTime
  private val ConnectMs = 3000
  private val Misses = 5

  def main(arguments: Array[String]): Unit = {
    await(RpcEndpointAddress(arguments(arguments.indexOf("--driver-url") + 1)))
    KubernetesExecutorBackend.main(arguments)
  }

  private def await(driver: RpcEndpointAddress): Unit = {
    val conf = new SparkConf
    // What takes an executor longest is done while there is nothing else to do.
    val rpc = RpcEnv.create("waiting", "localhost", "localhost", -1, conf, new SecurityManager(conf), 0, clientMode = true)
    SparkHadoopUtil.get.newConfiguration(conf)
    UserGroupInformation.getCurrentUser
    logInfo(s"waiting for the driver at ${driver.rpcAddress}")
    awaitPort(new InetSocketAddress(driver.rpcAddress.host, driver.rpcAddress.port))
    // It listens a moment before it is the scheduler of executors. What else fails is for Spark to tell.
    while (isNotThere(Try(rpc.setupEndpointRefByURI(driver.toString)))) pause()
    rpc.shutdown()
  }

  private def pause(): Unit = {
    val soFarMs = NANOSECONDS.toMillis(System.nanoTime - began)
    Thread.sleep((soFarMs / share).max(leastMs).min(mostMs))
  }

  /** A pod that is there refuses until its driver listens, however long that takes; one that is gone does not
    * answer, nor does one for a moment whose network is just being made.
    */
  @tailrec
  private def awaitPort(driver: InetSocketAddress, missed: Int = 0): Unit =
    Using(new Socket)(_.connect(driver, ConnectMs)) match {
      case Success(_) =>
      case Failure(_: ConnectException) =>
        pause()
        awaitPort(driver)
      case Failure(error) if missed < Misses =>
        logWarning(s"no answer from $driver: ${error.getMessage}")
        awaitPort(driver, missed + 1)
      case Failure(error) =>
        throw new SparkException(s"no answer from the driver at $driver: its pod is gone, or the network in between", error)
    }

  /** Whether it failed for this one reason, whose class only Spark's own package may name. */
  private def isNotThere(found: Try[_]): Boolean =
    found.failed.toOption.exists { error =>
      Iterator.iterate(error)(_.getCause).takeWhile(_ != null)
        .exists(_.getClass.getSimpleName == "RpcEndpointNotFoundException")
    }
}
